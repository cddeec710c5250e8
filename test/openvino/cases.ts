/** Writes every network in float and quantized, with inputs and the outputs that are expected, into a folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noGrad } from '../../src/autograd/gradMode.js';
import { executeGraph } from '../../src/graph/execute.js';
import type { Graph, GraphNode, GraphValue } from '../../src/graph/graph.js';
import { modelGraph } from '../../src/ir/modelGraph.js';
import { saveModel } from '../../src/ir/writer.js';
import type { Module } from '../../src/nn/module.js';
import { levelsOf } from '../../src/ops/quantization/quantizeDequantize.js';
import { quantize } from '../../src/quant/index.js';
import { isQuantizer, Quantizer } from '../../src/quant/quantizer.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { batchFor, type Network, trainStatistics } from './networks/network.js';

interface TensorFile {
  readonly name: string;
  readonly file: string;
  readonly shape: readonly number[];
}

/** A model file and what to expect of it; read by check.py. */
export interface Case {
  readonly name: string;
  readonly xml: string;
  readonly inputs: readonly TensorFile[];
  readonly outputs: readonly TensorFile[];
  /** For quantized models. */
  readonly quantized?: {
    /** Number of convolutions and matrix products. */
    readonly layers: number;
    /** Number of those with quantized weights, all of which must run in INT8. Squeeze-and-excite blocks have none. */
    readonly quantizedLayers: number;
    /** For each output, the step between two values of the last quantizer's grid. */
    readonly quanta: readonly number[];
    /** Whether processors without VNNI may add up products of codes with saturation. */
    readonly saturates: boolean;
    /** Whether tensors on different grids are joined, which OpenVINO brings to one grid to keep them in INT8. */
    readonly realigned: boolean;
  };
}

const LAYERS = ['Convolution', 'GroupConvolution', 'ConvolutionBackpropData', 'GroupConvolutionBackpropData', 'MatMul'];

class CaseWriter {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async write(name: string, model: Module, inputs: readonly Tensor[], quantized?: Case['quantized']): Promise<Case> {
    const stem = name.replace(/[^A-Za-z0-9]+/g, '_');
    await saveModel(model, join(this.#folder, `${stem}.xml`), { inputs });
    const graph = modelGraph(model, { inputs });
    const outputs = noGrad(() => executeGraph(graph, inputs));
    const files = (prefix: string, names: readonly string[], tensors: readonly Tensor[]) =>
      tensors.map((tensor, index) => this.#tensor(`${stem}.${prefix}${index}`, names[index], tensor));
    return {
      name,
      xml: `${stem}.xml`,
      inputs: files(
        'in',
        graph.inputs.map((node) => node.name),
        inputs,
      ),
      outputs: files(
        'out',
        graph.outputs.map((output) => output.name),
        outputs,
      ),
      quantized,
    };
  }

  #tensor(file: string, name: string, tensor: Tensor): TensorFile {
    writeFileSync(join(this.#folder, file), tensor.dataSync() as Float32Array);
    return { name, file, shape: tensor.shape };
  }
}

const layersOf = (graph: Graph): GraphNode[] => graph.nodes.filter(({ type }) => LAYERS.includes(type));

/** The quantizer of a layer's weights, past reshapes of them. */
function weightQuantizer({ inputs }: GraphNode): GraphNode | null {
  let source = inputs[1].node;
  while (source.type === 'Reshape') source = source.inputs[0].node;
  return isQuantizer(source) ? source : null;
}

/**
 * Whether sums of two products of codes can leave 16 bits: codes beyond 64, except in depthwise convolutions, which
 * have kernels of their own.
 */
function maySaturate(layer: GraphNode): boolean {
  const quantizer = weightQuantizer(layer);
  const [, outputsOfGroup, inputsOfGroup] = layer.inputs[1].type.shape;
  const depthwise = layer.type === 'GroupConvolution' && outputsOfGroup === 1 && inputsOfGroup === 1;
  if (!quantizer || depthwise) return false;
  const codes = new Quantizer(quantizer).quantize(quantizer.inputs[0].node.constant.tensor).dataSync();
  return codes.some((code) => Math.abs(code) > 64);
}

/** The quantizers that a value has come through last, by their grids. */
function lastGrids({ node }: GraphValue): string[] {
  if (!isQuantizer(node)) return node.inputs.flatMap(lastGrids);
  const { low, range } = new Quantizer(node).range();
  return [[...low.dataSync(), ...range.dataSync()].join()];
}

const joinsGrids = ({ nodes }: Graph): boolean =>
  nodes.some((node) => node.type === 'Concat' && new Set(node.inputs.flatMap(lastGrids)).size > 1);

/**
 * The step between two values of a tensor, by the quantizers that it has come through last: the coarsest of several;
 * a sum of two quantized tensors can be off by the steps of both.
 */
function lastQuantum({ node }: GraphValue): number {
  if (isQuantizer(node)) {
    const quantizer = new Quantizer(node);
    if (quantizer.spec.kind === 'weights') return 0;
    return Math.max(...quantizer.range().range.dataSync()) / (levelsOf(quantizer.codes) - 1);
  }
  const steps = node.inputs.map(lastQuantum);
  return node.type === 'Add' ? steps.reduce((sum, step) => sum + step, 0) : Math.max(0, ...steps);
}

/** @param fullRange Whether to let the codes of weights use their whole range. */
export async function writeCases(folder: string, network: Network, seed: number, fullRange: boolean): Promise<Case[]> {
  const generator = new Generator(seed);
  trainStatistics(network, generator);
  const calibration = Array.from({ length: 3 }, () => batchFor(network, 4, generator));
  const inputs = batchFor(network, 8, generator);
  const writer = new CaseWriter(folder);
  const quantized = await quantize(network.model, calibration, {
    preset: seed % 3 === 0 ? 'mixed' : 'performance',
    overflowFix: fullRange ? 'disable' : 'enable',
  });
  const { graph } = quantized;
  const layers = layersOf(graph);
  const facts = {
    layers: layers.length,
    quantizedLayers: layers.filter((layer) => weightQuantizer(layer)).length,
    quanta: graph.outputs.map(({ value }) => lastQuantum(value)),
    saturates: layers.some(maySaturate),
    realigned: joinsGrids(graph),
  };
  return [
    await writer.write(`${network.name}, float`, network.model, inputs),
    await writer.write(`${network.name}, quantized`, quantized, inputs, facts),
  ];
}
