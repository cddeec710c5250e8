/**
 * Reshapes quantized weights where they are constants: grouped convolutions keep their filters with four axes and
 * take five, and OpenVINO wants the codes directly in the five.
 */
import type { Graph } from '../../graph/graph.js';
import { RESHAPE, reshape } from '../../ops/movement/reshape.js';
import { isStatic, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { addDequantization, findDequantization } from './dequantization.js';
import { GraphEditor } from './graphEditor.js';

export function reshapeDequantization(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    if (node.definition !== RESHAPE) continue;
    const [source] = node.inputs;
    const weights = findDequantization(source);
    const { shape } = node.outputs[0].type;
    if (!weights || !isStatic(shape)) continue;
    const from = weights.codes.shape;
    const follow = (parameter: Tensor): Tensor | null => {
      const target = reshapedChannels(parameter.shape, from, shape);
      return target && reshape(parameter, target);
    };
    const scale = follow(weights.scale);
    const zeroPoint = weights.zeroPoint && follow(weights.zeroPoint);
    if (!scale || (weights.zeroPoint && !zeroPoint)) continue;
    if (editor.isOnlyUse(source, node)) {
      editor.releaseName(source.node);
      editor.releaseName(graph.node(weights.names.codes));
    }
    const reshaped = { codes: reshape(weights.codes, shape), zeroPoint, scale };
    editor.replace(node.outputs[0], addDequantization(editor, weights.names, reshaped, weights.scope));
  }
  editor.finish();
}

/**
 * The shape that per-channel parameters of shape `channels` take when the tensor is reshaped from `from` to `to`:
 * the axes of `to` that the channels' axis is split into. Null if it is joined with other axes.
 */
export function reshapedChannels(channels: Shape, from: Shape, to: Shape): Shape | null {
  const axes = channels.flatMap((extent, axis) => (extent > 1 ? [axis] : []));
  if (axes.length === 0) return [];
  if (axes.length > 1 || channels.length !== from.length) return null;
  const [axis] = axes;
  const product = (shape: Shape): number => shape.reduce((size, extent) => size * extent, 1);
  const before = product(from.slice(0, axis));
  const begin = to.findIndex((_, index) => product(to.slice(0, index)) === before);
  if (begin < 0) return null;
  for (let end = begin + 1; end <= to.length; end++) {
    if (product(to.slice(begin, end)) !== from[axis]) continue;
    return to.map((extent, index) => (index >= begin && index < end ? extent : 1));
  }
  return null;
}
