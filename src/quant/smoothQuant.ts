/**
 * SmoothQuant, for transformers: where a channel of an activation is much larger than the others, the quantizer's steps
 * are too coarse for the others. Part of the spread moves into the weights: the activation is divided by a scale for each
 * channel, and the weights are multiplied by it (NNCF: `quantization/algorithms/smooth_quant`).
 */
import { noGrad } from '../autograd/gradMode.js';
import { constantNode, type Graph, GraphNode, type GraphUse, type GraphValue } from '../graph/graph.js';
import { allocateArray } from '../kernels/dtype.js';
import { Parameter } from '../nn/parameter.js';
import { MULTIPLY } from '../ops/elementwise/multiply.js';
import { fromValues } from '../tensor/create.js';
import { sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { SmoothQuantAlphas } from './parameters.js';
import { dataNodes } from './placement/operators.js';
import type { Collector } from './statistics/collector.js';
import { groupsOf, reduce } from './statistics/reducers.js';

/** Statistics below it count as it. */
const LEAST = 1e-5;
/** Scales are at most this. */
const LARGEST_SCALE = 100;
/** Scales are at least this quantile of all scales of the layer. */
const LOWER_QUANTILE = 0.1;
/** Of float32. */
const EPSILON = 2 ** -23;

const float32 = Math.fround;

/** The largest absolute value of each channel over all samples. */
class ChannelAbsMaxCollector implements Collector {
  readonly #axis: number;
  readonly #largest: number[] = [];

  constructor(axis: number) {
    this.#axis = axis;
  }

  add(values: ArrayLike<number>, shape: readonly number[]): void {
    if (values.length === 0) return;
    const channels = shape[this.#axis];
    const inner = sizeOf(shape.slice(this.#axis + 1));
    while (this.#largest.length < channels) this.#largest.push(0);
    const largest = this.#largest;
    // Channels are mostly the last axis, so that neighbours belong to different ones.
    for (let index = 0, channel = 0; index < values.length; channel = channel + 1 === channels ? 0 : channel + 1) {
      let most = largest[channel];
      for (const end = index + inner; index < end; index++) {
        const value = Math.abs(values[index]);
        if (value > most) most = value;
      }
      largest[channel] = most;
    }
  }

  result(): readonly number[] {
    return this.#largest;
  }
}

/** A layer to smooth. */
interface SmoothedLayer {
  readonly node: GraphNode;
  readonly weights: GraphNode;
  /** The axis of input channels in the weights. */
  readonly weightAxis: number;
  readonly alpha: number;
}

/** Layers that read the same value, which is divided once for all of them. */
export interface SmoothedGroup {
  readonly value: GraphValue;
  /** The axis of channels in the value. */
  readonly axis: number;
  readonly layers: readonly SmoothedLayer[];
  readonly collector: ChannelAbsMaxCollector;
}

/** The layers with weights of their own, by what they read. */
export function smoothedGroups(
  graph: Graph,
  alphas: Required<SmoothQuantAlphas>,
  ignored: ReadonlySet<GraphNode>,
): SmoothedGroup[] {
  const live = dataNodes(graph);
  const uses = graph.uses();
  const groups = new Map<string, SmoothedGroup & { readonly layers: SmoothedLayer[] }>();
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  for (const node of graph.nodes) {
    const [value, weights] = node.inputs;
    if (!value || !weights || !live.has(value.node) || !weights.node.isConstant || ignored.has(node)) continue;
    const found = layerOf(node, alphas);
    if (!found || (uses.get(weights) ?? []).length > 1) continue;
    const axis = found.activationAxis < 0 ? value.type.shape.length - 1 : found.activationAxis;
    const key = `${order.get(value.node)} ${value.index} ${axis}`;
    const group = groups.get(key) ?? { value, axis, layers: [], collector: new ChannelAbsMaxCollector(axis) };
    groups.set(key, group);
    group.layers.push({ node, weights: weights.node, weightAxis: found.weightAxis, alpha: found.alpha });
  }
  return [...groups.values()];
}

function layerOf(
  node: GraphNode,
  alphas: Required<SmoothQuantAlphas>,
): { activationAxis: number; weightAxis: number; alpha: number } | null {
  if (node.type === 'MatMul' && alphas.matmul >= 0) {
    const { transposeA, transposeB } = node.attributes as { transposeA: boolean; transposeB: boolean };
    const rank = node.inputs[1].type.shape.length;
    if (transposeA || rank < 2) return null;
    return { activationAxis: -1, weightAxis: rank - (transposeB ? 1 : 2), alpha: alphas.matmul };
  }
  // A quantizer moves past an operation that keeps values, to where one scale for each channel may not fit.
  const moves = node.inputs[0]?.node.definition.quantization?.trait === 'quantizationAgnostic';
  if (node.type === 'Convolution' && alphas.convolution >= 0 && !moves)
    return { activationAxis: 1, weightAxis: 1, alpha: alphas.convolution };
  return null;
}

/** Where an activation is divided: the value of which node, in front of which inputs. */
export interface SmoothedPlace {
  readonly name: string;
  readonly source: { readonly node: string; readonly port: number };
  readonly readers: readonly { readonly node: string; readonly port: number }[];
  /** Shape of the scale. */
  readonly shape: readonly number[];
}

const PREFIX = 'smoothQuant.';

/** Divides the activations and multiplies the weights, in place. */
export async function smooth(graph: Graph, groups: readonly SmoothedGroup[]): Promise<void> {
  const names = new Map<string, number>();
  for (const { value, axis, layers, collector } of groups) {
    const activations = collector.result();
    if (activations.length === 0) continue;
    const scale = await bestScale(activations, layers);
    if (!scale) continue;
    for (const { weights, weightAxis } of layers) {
      const { tensor } = weights.constant;
      const scaled = await scaledWeights(tensor, weightAxis, scale);
      noGrad(() => tensor.assign_(scaled));
    }
    const base = `${value.node.name}_${value.index}`;
    const count = names.get(base) ?? 0;
    names.set(base, count + 1);
    const shape =
      value.type.shape.length > 1 ? value.type.shape.map((_, at) => (at === axis ? scale.length : 1)) : [scale.length];
    const place: SmoothedPlace = {
      name: `${base}_${count}/nncf_smooth_quant`,
      source: { node: value.node.name, port: value.index },
      readers: layers.map(({ node }) => ({ node: node.name, port: 0 })),
      shape,
    };
    const { backend } = layers[0].weights.constant.tensor;
    insertSmoothing(
      graph,
      place,
      fromValues(
        scale.map((factor) => 1 / factor),
        shape,
        'float32',
        { backend },
      ),
    );
  }
  graph.sort();
}

/** Of the layers' scales, the one whose largest and smallest factor differ least; it serves all of them. */
async function bestScale(
  activations: readonly number[],
  layers: readonly SmoothedLayer[],
): Promise<Float32Array | null> {
  let best: Float32Array | null = null;
  let bestRatio = 0;
  for (const { weights, weightAxis, alpha } of layers) {
    const { tensor } = weights.constant;
    const values = await tensor.data();
    const scale = new Float32Array(activations.length);
    for (const { channel, runs } of groupsOf(tensor.shape, weightAxis, false)) {
      const weight = Math.max(reduce('absMax', 0, values, runs), LEAST);
      const activation = float32(Math.max(activations[channel], LEAST));
      scale[channel] = float32(activation ** alpha) / float32(float32(weight ** (1 - alpha)) + EPSILON);
    }
    const least = reduceQuantile(scale, LOWER_QUANTILE);
    const clipped = scale.map((factor) => Math.min(Math.max(factor, least), LARGEST_SCALE));
    const ratio = Math.min(...clipped) / (Math.max(...clipped) + EPSILON);
    if (ratio > bestRatio) [best, bestRatio] = [clipped, ratio];
  }
  return best;
}

const reduceQuantile = (values: ArrayLike<number>, q: number): number =>
  reduce('quantile', q, values, [{ start: 0, length: values.length }]);

async function scaledWeights(tensor: Tensor, axis: number, scale: Float32Array): Promise<Tensor> {
  const values = await tensor.data();
  const scaled = allocateArray(tensor.dtype, values.length);
  for (const { channel, runs } of groupsOf(tensor.shape, axis, false))
    for (const { start, length } of runs)
      for (let index = start; index < start + length; index++) scaled[index] = values[index] * scale[channel];
  return fromValues(scaled, tensor.shape, tensor.dtype, { backend: tensor.backend });
}

/** Inserts the multiplication by a scale; the caller sorts the graph. */
export function insertSmoothing(graph: Graph, { name, source, readers }: SmoothedPlace, scale: Tensor): void {
  const anchor = graph.node(source.node);
  const value = anchor.outputs[source.port];
  const path = `${PREFIX}${name}.scale`;
  const constant = constantNode(path, new Parameter(scale), path);
  const node = new GraphNode(name, MULTIPLY, {}, [value, constant.outputs[0]], [value.type], anchor.scope);
  for (const reader of readers) graph.node(reader.node).inputs[reader.port] = node.outputs[0];
  graph.nodes.push(constant, node);
}

/** Where the activations of a graph are divided. `isQuantizer` tells what was inserted later. */
export function smoothedPlaces(graph: Graph, isQuantizer: (node: GraphNode) => boolean): SmoothedPlace[] {
  const uses = graph.uses();
  const readersOf = (value: GraphValue): GraphUse[] =>
    (uses.get(value) ?? []).flatMap((use) =>
      isQuantizer(use.node) && use.port === 0 ? readersOf(use.node.outputs[0]) : [use],
    );
  const unquantized = (value: GraphValue): GraphValue =>
    isQuantizer(value.node) ? unquantized(value.node.inputs[0]) : value;
  return graph.nodes
    .filter((node) => node.type === 'Multiply' && pathOf(node.inputs[1].node).startsWith(PREFIX))
    .map((node) => {
      const value = unquantized(node.inputs[0]);
      return {
        name: node.name,
        source: { node: value.node.name, port: value.index },
        readers: readersOf(node.outputs[0]).map((use) => ({ node: use.node.name, port: use.port })),
        shape: [...node.inputs[1].type.shape],
      };
    });
}

const pathOf = (node: GraphNode): string => (node.isConstant ? node.constant.path : '');
