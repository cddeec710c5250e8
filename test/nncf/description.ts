/** What both sides tell of a quantized model, and how this library's is told. */
import { noGrad } from '../../src/autograd/gradMode.js';
import { executeGraph } from '../../src/graph/execute.js';
import type { Graph, GraphNode } from '../../src/graph/graph.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { isQuantizer, Quantizer } from '../../src/quant/quantizer.js';
import { codeRange } from '../../src/quant/spec.js';
import type { Tensor } from '../../src/tensor/tensor.js';

export interface QuantizerDescription {
  /** Place: `NODE/fq_input_PORT`, `NODE/fq_output_PORT` or `NODE/fq_weights_PORT`. */
  readonly name: string;
  readonly levels: number;
  /** Number of ranges; 1 per tensor. */
  readonly channels: number;
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export interface ModelDescription {
  readonly quantizers: readonly QuantizerDescription[];
  /** Constants that are added to the results of layers with weights, by the name of the addition. */
  readonly biases: Readonly<Record<string, readonly number[]>>;
}

/** A constant that is added to what a layer with weights gives. */
export interface BiasAddition {
  readonly name: string;
  readonly layer: GraphNode;
  readonly constant: GraphNode;
}

/** How far a bias may differ for reasons other than its correction. */
export interface BiasScale {
  /** Largest absolute value of the layer's output, with the bias. */
  readonly output: number;
  /** Largest absolute value of the layer's input. */
  readonly input: number;
}

function describeQuantizer(quantizer: Quantizer): QuantizerDescription {
  const { levelLow, levelHigh } = codeRange(quantizer.spec);
  const { low, range } = quantizer.range();
  const lows = Array.from(low.dataSync());
  const widths = range.dataSync();
  return {
    name: quantizer.name,
    levels: levelHigh - levelLow + 1,
    channels: lows.length,
    low: lows,
    high: lows.map((value, index) => value + widths[index]),
  };
}

const LAYERS = ['Convolution', 'GroupConvolution', 'ConvolutionBackpropData', 'GroupConvolutionBackpropData', 'MatMul'];

export const biasAdditions = ({ nodes }: Graph): BiasAddition[] =>
  nodes.flatMap((node) => {
    if (node.type !== 'Add') return [];
    const layer = node.inputs.find((input) => LAYERS.includes(input.node.type))?.node;
    const constant = node.inputs.find((input) => input.node.isConstant)?.node;
    return layer && constant ? [{ name: node.name, layer, constant }] : [];
  });

export const biasesOf = (graph: Graph): ModelDescription['biases'] =>
  Object.fromEntries(
    biasAdditions(graph).map(({ name, constant }) => [name, Array.from(constant.constant.tensor.dataSync())]),
  );

export const describeModel = (model: QuantizedModel): ModelDescription => ({
  quantizers: model.quantizers.map(describeQuantizer),
  biases: biasesOf(model.graph),
});

const largest = (tensor: Tensor): number => {
  let most = 0;
  for (const value of tensor.dataSync()) most = Math.max(most, Math.abs(value));
  return most;
};

/** The scales of the layers with biases for one item. */
export function biasScales(graph: Graph, item: Tensor): Map<string, BiasScale> {
  const additions = new Map(biasAdditions(graph).map((addition) => [addition.name, addition]));
  const inputs = new Map([...additions.values()].map(({ layer }) => [layer.inputs[0], 0]));
  const scales = new Map<string, BiasScale>();
  noGrad(() =>
    executeGraph(graph, [item], {
      observe: (value, tensor) => {
        if (inputs.has(value)) inputs.set(value, largest(tensor));
        const addition = additions.get(value.node.name);
        if (addition)
          scales.set(addition.name, { output: largest(tensor), input: inputs.get(addition.layer.inputs[0]) ?? 0 });
      },
    }),
  );
  return scales;
}

/** Float32 arithmetic of the level's number is off by up to this, as a share of a level. */
const TIE = 1e-4;

/**
 * The sum of the steps of those weights of each output channel that lie so close to the middle between two codes that
 * the order of float32 operations decides which is taken, by the name of the bias.
 */
export function tieSteps({ graph }: QuantizedModel): Map<string, Float64Array> {
  return new Map(
    biasAdditions(graph).flatMap(({ name, layer }) => {
      let source = layer.inputs[1].node;
      while (source.type === 'Reshape') source = source.inputs[0].node;
      if (!isQuantizer(source)) return [];
      const quantizer = new Quantizer(source);
      const weights = source.inputs[0].node.constant.tensor;
      const { low, range } = quantizer.range();
      const [lows, ranges, values] = [low.dataSync(), range.dataSync(), weights.dataSync()];
      const { levelLow, levelHigh } = quantizer.codes;
      const sums = new Float64Array(lows.length);
      const axis = Math.max(
        low.shape.findIndex((extent) => extent > 1),
        0,
      );
      const inner = weights.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
      for (let index = 0; index < values.length; index++) {
        const channel = lows.length === 1 ? 0 : Math.floor(index / inner) % lows.length;
        const step = ranges[channel] / (levelHigh - levelLow);
        const level = (values[index] - lows[channel]) / step;
        if (Math.abs(level - Math.floor(level) - 0.5) < TIE) sums[channel] += step;
      }
      return [[name, sums] as const];
    }),
  );
}
