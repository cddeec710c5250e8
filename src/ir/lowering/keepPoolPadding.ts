/**
 * Average pools whose padding counts, after a quantizer that takes values below zero. In INT8, OpenVINO's CPU plugin
 * (2026.4) pads the codes with the code 0, which is not the value zero where the codes have a zero point. An operation
 * that the zero point does not move past keeps such pools in float.
 */
import type { OperationDefinition } from '../../autograd/operation.js';
import type { Graph, GraphNode, GraphValue } from '../../graph/graph.js';
import { PAD } from '../../ops/movement/pad.js';
import { AVG_POOL, type AvgPoolAttributes } from '../../ops/neural/avgPool.js';
import { FAKE_QUANTIZE } from '../../ops/quantization/openvinoFakeQuantize.js';
import { GraphEditor } from './graphEditor.js';
import { identityPrelu } from './identityPrelu.js';

export function keepPoolPadding(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    if (node.definition !== (AVG_POOL as OperationDefinition)) continue;
    const [source] = node.inputs;
    if (paddingCounts(node) && takesNegativeValues(source)) node.inputs[0] = identityPrelu(editor, source, node);
  }
  editor.finish();
}

/** Whether zeros of a padding are part of the average; OpenVINO makes a Pad before the pool its padding. */
function paddingCounts({ attributes, inputs }: GraphNode): boolean {
  const { excludePad, padsBegin, padsEnd, autoPad } = attributes as AvgPoolAttributes;
  const pads = [...padsBegin, ...padsEnd].some((pixels) => pixels > 0);
  return (
    inputs[0].node.definition === (PAD as OperationDefinition) || (!excludePad && (pads || autoPad !== 'explicit'))
  );
}

/** Whether a quantizer that this value has come through last has a lower limit below zero. */
function takesNegativeValues({ node }: GraphValue, seen = new Set<GraphNode>()): boolean {
  if (seen.has(node)) return false;
  seen.add(node);
  if (node.definition !== (FAKE_QUANTIZE as OperationDefinition)) {
    return node.inputs.some((value) => takesNegativeValues(value, seen));
  }
  const low = node.inputs[1].node;
  return !low.isConstant || low.constant.tensor.dataSync().some((value) => value < 0);
}
