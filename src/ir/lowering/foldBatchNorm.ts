/**
 * Folds batch normalisation into the convolution or matrix product before it, where nothing else reads that:
 * weights times k, bias beta - mean k + bias k, with k = gamma / sqrt(variance + epsilon) per output channel.
 * Quantized weights keep their codes; their scale takes the factor, which may make it negative or zero.
 */
import type { Graph, GraphNode, GraphValue } from '../../graph/graph.js';
import { NO_ATTRIBUTES } from '../../ops/checks.js';
import { ADD } from '../../ops/elementwise/add.js';
import { MULTIPLY } from '../../ops/elementwise/multiply.js';
import { MATMUL } from '../../ops/neural/matMul.js';
import type { Tensor } from '../../tensor/tensor.js';
import { hostTensor } from '../hostTensor.js';
import { batchNormConstants, type ChannelAffine } from './batchNormConstants.js';
import { findDequantization } from './dequantization.js';
import { GraphEditor } from './graphEditor.js';
import { outputChannelAxes } from './outputChannels.js';
import { scaleChannels } from './scaleChannels.js';

/** An operation with weights that a batch normalisation follows. */
interface Producer {
  readonly node: GraphNode;
  readonly axes: readonly number[];
  /** Per output channel; null: none. */
  readonly bias: readonly number[] | null;
}

export function foldBatchNorm(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    const affine = batchNormConstants(node);
    if (!affine) continue;
    const producer = findProducer(editor, node.inputs[0], node, affine.factor.length);
    if (!producer) continue;
    const weights = scaledWeights(editor, producer, affine.factor);
    if (!weights) continue;
    const { node: layer, bias } = producer;
    layer.inputs[1] = weights;
    const offset = Float32Array.from(
      affine.offset,
      (value, channel) => value + (bias?.[channel] ?? 0) * affine.factor[channel],
    );
    const shape = layer.outputs[0].type.shape.map((_, axis) => (axis === 1 ? offset.length : 1));
    const constant = editor.constant(`${layer.name}/bias`, hostTensor(offset, shape), layer.scope);
    editor.releaseName(node);
    editor.replace(
      node.outputs[0],
      editor.operation(ADD, node.name, [layer.outputs[0], constant], NO_ATTRIBUTES, node.scope),
    );
  }
  editor.finish();
}

/** What computes a value that only `user` reads: an operation with weights, perhaps with a bias added. */
function findProducer(editor: GraphEditor, value: GraphValue, user: GraphNode, channels: number): Producer | null {
  if (!editor.isOnlyUse(value, user)) return null;
  const direct = weighted(value);
  if (direct) return { ...direct, bias: null };
  if (value.node.definition !== ADD) return null;
  for (const [port, constant] of value.node.inputs.entries()) {
    const product = value.node.inputs[1 - port];
    const layer = weighted(product);
    if (!layer || !constant.node.isConstant || !editor.isOnlyUse(product, value.node)) continue;
    const bias = perChannel(constant.node.constant.tensor, product.type.shape.length, channels);
    if (bias) return { ...layer, bias };
  }
  return null;
}

function weighted({ node }: GraphValue): Pick<Producer, 'node' | 'axes'> | null {
  const axes = outputChannelAxes(node);
  // Batch normalisation counts channels along axis 1, which is a matrix product's last one only for matrices.
  if (!axes || (node.definition === MATMUL && node.inputs.some(({ type }) => type.shape.length !== 2))) return null;
  return { node, axes };
}

/** The values of a constant that is added along axis 1 of a tensor of this rank; null if it has other axes. */
function perChannel(tensor: Tensor, rank: number, channels: number): number[] | null {
  if (tensor.rank > rank) return null;
  const shape = [...new Array<number>(rank - tensor.rank).fill(1), ...tensor.shape];
  if (shape.some((extent, axis) => extent !== 1 && axis !== 1)) return null;
  const values = tensor.dataSync();
  return Array.from({ length: channels }, (_, channel) => values[shape[1] === 1 ? 0 : channel]);
}

/** The weights times one factor per output channel; null where they are computed. */
function scaledWeights(
  editor: GraphEditor,
  { node, axes }: Producer,
  factor: ChannelAffine['factor'],
): GraphValue | null {
  const weights = node.inputs[1];
  const alone = editor.isOnlyUse(weights, node);
  const quantized = findDequantization(weights);
  if (quantized) {
    const { unscaled, names, scope } = quantized;
    const scale = scaleChannels(quantized.scale, weights.type.shape, axes, factor);
    if (alone) {
      editor.releaseName(weights.node);
      editor.releaseName(weights.node.inputs[1].node);
    }
    const constant = editor.constant(`${names.result}/scale`, scale, scope);
    return editor.operation(MULTIPLY, names.result, [unscaled, constant], NO_ATTRIBUTES, scope);
  }
  if (!weights.node.isConstant) return null;
  const { tensor } = weights.node.constant;
  if (alone) editor.releaseName(weights.node);
  return editor.constant(weights.node.name, scaleChannels(tensor, tensor.shape, axes, factor), weights.node.scope);
}
