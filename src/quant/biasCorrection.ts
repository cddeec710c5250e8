/**
 * Fast bias correction (NNCF's FastBiasCorrection): quantized weights shift the mean of a layer's output;
 * the shift is measured on a constant input that has the float model's mean in each channel, and taken
 * off the bias. All layers are measured against the uncorrected model.
 */
import { apply } from '../autograd/dispatch.js';
import { noGrad } from '../autograd/gradMode.js';
import type { GraphNode, GraphValue } from '../graph/graph.js';
import { allocateArray } from '../kernels/dtype.js';
import { fromValues } from '../tensor/create.js';
import { sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { hasKind } from './placement/fusedPatterns.js';
import { firstNode, type Operator, throughIdentities } from './placement/operators.js';
import type { WeightPlacement } from './placement/placement.js';
import { weightsOf } from './quantizer.js';
import { ChannelMeanCollector, channelMeans } from './statistics/channelMeans.js';

/** A layer whose bias can be corrected. */
export interface BiasedLayer {
  readonly name: string;
  /** The nodes from the weighted operation to the one that adds the bias. */
  readonly chain: readonly GraphNode[];
  readonly weightPort: number;
  readonly weights: GraphNode;
  /** The constant that is corrected: a bias, or the beta of a batch normalisation. */
  readonly bias: GraphNode;
  /** A bias in front of the batch normalisation, and its gamma: their product counts as part of the bias. */
  readonly inner: { readonly bias: GraphNode; readonly gamma: GraphNode } | null;
  readonly input: ChannelMeanCollector;
  readonly output: ChannelMeanCollector;
  /** Values whose means are collected. */
  readonly inputValue: GraphValue;
  readonly outputValue: GraphValue;
}

/**
 * The layers with quantized weights and a bias of their own.
 * @param samples How many calibration samples count at most.
 */
export function biasedLayers(placements: readonly WeightPlacement[], samples = Infinity): BiasedLayer[] {
  return placements.flatMap(({ readers, weights }) =>
    readers.flatMap(({ operator, port }) => {
      const layer = hasKind(firstNode(operator).type, 'linear') ? biasChain(operator) : null;
      if (!layer) return [];
      const [node] = layer.chain;
      const isMatMul = node.type === 'MatMul';
      const dataPort = port === 0 ? 1 : 0;
      return [
        {
          name: node.name,
          ...layer,
          weightPort: port,
          weights,
          input: new ChannelMeanCollector(isMatMul ? -1 : 1, samples),
          output: new ChannelMeanCollector(isMatMul ? -1 : 1, samples),
          inputValue: throughIdentities(node.inputs[dataPort]),
          outputValue: layer.chain[layer.chain.length - 1].outputs[0],
        },
      ];
    }),
  );
}

/** A weighted operation up to its bias: an added constant, or the batch normalisation behind it, which takes the correction. */
function biasChain({ nodes }: Operator): (Pick<BiasedLayer, 'bias' | 'inner'> & { chain: GraphNode[] }) | null {
  const chain = [nodes[0]];
  const constantOf = (node: GraphNode, ports: readonly number[]): GraphNode | null =>
    ports.map((port) => weightsOf(node, port)).find((constant) => constant !== null) ?? null;
  let next = 1;
  const inner = nodes[next]?.type === 'Add' ? constantOf(nodes[next], [0, 1]) : null;
  if (inner) chain.push(nodes[next++]);
  // Behind a matrix product NNCF corrects the bias of its own only.
  if (nodes[next]?.type === 'BatchNormInference' && nodes[0].type !== 'MatMul') {
    const [gamma, beta] = [constantOf(nodes[next], [1]), constantOf(nodes[next], [2])];
    chain.push(nodes[next]);
    return gamma && beta && { chain, bias: beta, inner: inner && { bias: inner, gamma } };
  }
  return inner && { chain, bias: inner, inner: null };
}

/**
 * New values for the biases of `layers`, by the constant that holds them.
 * @param quantizeWeights Quantizes a weight constant's values.
 * @param threshold Largest relative change of a bias that is believed.
 */
export async function correctBiases(
  layers: readonly BiasedLayer[],
  quantizeWeights: (weights: GraphNode) => Tensor,
  threshold: number,
): Promise<Map<GraphNode, Tensor>> {
  const corrected = new Map<GraphNode, Tensor>();
  for (const layer of layers) {
    const inputMean = layer.input.result();
    const outputMean = layer.output.result();
    if (!inputMean || !outputMean) continue;
    const output = noGrad(() => runChain(layer, constantInput(layer, inputMean), quantizeWeights(layer.weights)));
    const means = channelMeans(await output.data(), output.shape, layer.chain[0].type === 'MatMul' ? -1 : 1);
    const { tensor } = layer.bias.constant;
    const bias = await tensor.data();
    if (bias.length !== means.length) continue;
    const effective = layer.inner ? await combinedBias(bias, layer.inner) : bias;
    const updated = allocateArray(tensor.dtype, bias.length);
    let magnitude = 0;
    for (let channel = 0; channel < bias.length; channel++) {
      updated[channel] = bias[channel] + (outputMean[channel] - means[channel]);
      // A bias of exactly zero has no relative change; NNCF then leaves the whole layer alone.
      const change = Math.abs((outputMean[channel] - means[channel]) / effective[channel]);
      magnitude = Math.max(magnitude, effective[channel] === 0 ? Infinity : change);
    }
    if (magnitude < threshold)
      corrected.set(layer.bias, fromValues(updated, tensor.shape, tensor.dtype, { backend: tensor.backend }));
  }
  return corrected;
}

async function combinedBias(
  beta: ArrayLike<number>,
  { bias, gamma }: NonNullable<BiasedLayer['inner']>,
): Promise<number[]> {
  const [biases, gammas] = [await bias.constant.tensor.data(), await gamma.constant.tensor.data()];
  return Array.from(beta, (value, channel) => value + biases[channel] * gammas[channel]);
}

/** A tensor of the recorded shape with the mean of its channel everywhere; of a batch of images one, since all are alike. */
function constantInput(layer: BiasedLayer, means: Float64Array): Tensor {
  const { shape: recorded } = layer.input;
  const axis = recorded.length < 3 || layer.chain[0].type === 'MatMul' ? recorded.length - 1 : 1;
  const isImages = axis === 1 && recorded.length > 2;
  const shape = isImages ? [1, ...recorded.slice(1)] : recorded;
  const inner = sizeOf(shape.slice(axis + 1));
  const weights = layer.weights.constant.tensor;
  const values = allocateArray(weights.dtype, sizeOf(shape));
  for (let index = 0; index < values.length; index++) values[index] = means[Math.floor(index / inner) % means.length];
  return fromValues(values, shape, weights.dtype, { backend: weights.backend });
}

/** Runs the layer's operations alone, in evaluation mode. */
function runChain(layer: BiasedLayer, input: Tensor, weights: Tensor): Tensor {
  const values = new Map<GraphValue, Tensor>([[layer.weights.outputs[0], weights]]);
  const evaluate = (value: GraphValue): Tensor => {
    const known = values.get(value);
    if (known) return known;
    const { node } = value;
    const result = node.isConstant
      ? node.constant.tensor
      : apply(node.definition, node.inputs.map(evaluate), node.attributes)[value.index];
    values.set(value, result);
    return result;
  };
  const [first] = layer.chain;
  const dataPort = layer.weightPort === 0 ? 1 : 0;
  values.set(first.inputs[dataPort], input);
  return evaluate(layer.outputValue);
}
