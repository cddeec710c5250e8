/**
 * Gives 1x1 convolutions that have both strides and padding a second row of zeros, which changes nothing.
 * OpenVINO (2026.4) moves the strides of 1x1 convolutions to the convolution before them without regard to padding,
 * and then computes an output of another size; it fuses a Pad of its own back in.
 */
import type { OperationDefinition } from '../../autograd/operation.js';
import type { Graph, GraphNode, GraphValue } from '../../graph/graph.js';
import { pad } from '../../ops/movement/pad.js';
import { CONVOLUTION, type ConvolutionAttributes } from '../../ops/neural/convolution.js';
import { resolvePads } from '../../ops/neural/padding.js';
import { isStatic } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { addDequantization, findDequantization } from './dequantization.js';
import { GraphEditor } from './graphEditor.js';

export function widenPointwise(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    if (node.definition !== (CONVOLUTION as OperationDefinition)) continue;
    const attributes = node.attributes as ConvolutionAttributes;
    const [data, weights] = node.inputs;
    const kernel = weights.type.shape.slice(2);
    const spatial = data.type.shape.slice(2);
    const computed = attributes.autoPad === 'same_upper' || attributes.autoPad === 'same_lower';
    if (kernel.some((size) => size !== 1) || (computed && !isStatic(spatial))) continue;
    const pads = resolvePads(attributes, spatial, kernel);
    const padded = [...pads.padsBegin, ...pads.padsEnd].some((pixels) => pixels > 0);
    if (!padded || attributes.strides.every((stride) => stride === 1)) continue;
    const widened = widenedWeights(editor, node, weights);
    if (!widened) continue;
    node.inputs[1] = widened;
    const [end, ...others] = pads.padsEnd;
    // The row of zeros reads one row further; the distance between the pixels of one pixel meant nothing.
    const dilations = kernel.map(() => 1);
    node.attributes = { ...attributes, ...pads, padsEnd: [end + 1, ...others], dilations, autoPad: 'explicit' };
  }
  editor.finish();
}

const withZeroRow = (weights: Tensor): Tensor => pad(weights, [0, 0, 0, 0], [0, 0, 1, 0]);

function widenedWeights(editor: GraphEditor, node: GraphNode, weights: GraphValue): GraphValue | null {
  const quantized = findDequantization(weights);
  if (quantized) {
    // With a zero point, a code of zero is not the value zero.
    if (quantized.zeroPoint) return null;
    return addDequantization(
      editor,
      quantized.names,
      { ...quantized, codes: withZeroRow(quantized.codes) },
      node.scope,
    );
  }
  if (!weights.node.isConstant) return null;
  return editor.constant(weights.node.name, withZeroRow(weights.node.constant.tensor), node.scope);
}
