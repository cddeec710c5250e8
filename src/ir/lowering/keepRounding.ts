/**
 * Keeps the rounding of quantizers between a convolution and an addition. OpenVINO's CPU plugin (2026.4) fuses
 * convolution, FakeQuantize, addition and the next FakeQuantize into one kernel, and then leaves out the first
 * rounding where the first FakeQuantize is the first thing fused: what it computes is not what was trained.
 * An operation that changes nothing, and that is fused as well, takes that place.
 */
import type { OperationDefinition } from '../../autograd/operation.js';
import type { Graph, GraphNode, GraphValue } from '../../graph/graph.js';
import { ADD } from '../../ops/elementwise/add.js';
import { FAKE_QUANTIZE } from '../../ops/quantization/openvinoFakeQuantize.js';
import { GraphEditor } from './graphEditor.js';
import { identityPrelu } from './identityPrelu.js';
import { hasWeights } from './outputChannels.js';

export function keepRounding(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    if (node.definition !== (FAKE_QUANTIZE as OperationDefinition)) continue;
    const [source] = node.inputs;
    if (comesFromWeights(source) && isAdded(editor, node)) node.inputs[0] = identityPrelu(editor, source, node);
  }
  editor.finish();
}

/** Whether the result goes into an addition of two computed tensors. */
const isAdded = (editor: GraphEditor, { outputs: [value] }: GraphNode): boolean =>
  editor
    .uses(value)
    .some(({ node }) => node.definition === ADD && node.inputs.every((input) => !input.node.isConstant));

/** Whether a value is the result of an operation with weights, perhaps with a bias. */
function comesFromWeights({ node }: GraphValue): boolean {
  if (hasWeights(node)) return true;
  return (
    node.definition === ADD &&
    node.inputs.some((input, port) => hasWeights(input.node) && node.inputs[1 - port].node.isConstant)
  );
}
