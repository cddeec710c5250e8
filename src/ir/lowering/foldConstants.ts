/**
 * Computes what depends on constants only, such as the reshape of a bias. What makes a model small stays: the
 * conversion of 8-bit weights to float, and quantizers.
 */
import { apply } from '../../autograd/dispatch.js';
import { noGrad } from '../../autograd/gradMode.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import { isFloating } from '../../kernels/dtype.js';
import { CONVERT } from '../../ops/elementwise/convert.js';
import { RESHAPE } from '../../ops/movement/reshape.js';
import { FAKE_QUANTIZE } from '../../ops/quantization/openvinoFakeQuantize.js';
import { isQuantizer } from '../../quant/quantizer.js';
import { GraphEditor } from './graphEditor.js';

function isDecompression({ definition, inputs, outputs }: GraphNode): boolean {
  const { dtype } = inputs[0].type;
  return definition === CONVERT && (dtype === 'int8' || dtype === 'uint8') && isFloating(outputs[0].type.dtype);
}

const stays = (node: GraphNode): boolean =>
  node.definition === FAKE_QUANTIZE || isQuantizer(node) || isDecompression(node);

export function foldConstants(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    const foldable = node.inputs.length > 0 && node.inputs.every((value) => value.node.isConstant) && !stays(node);
    if (!foldable) continue;
    const operands = node.inputs.map((value) => value.node.constant.tensor);
    const results = noGrad(() => apply(node.definition, operands, node.attributes));
    editor.releaseName(node);
    const name = constantName(editor, node);
    for (const [index, output] of node.outputs.entries()) {
      editor.replace(output, editor.constant(name, results[index].detach(), node.scope));
    }
  }
  editor.finish();
}

/** The name of the result: a parameter under another shape keeps its name where nothing else needs it. */
function constantName(editor: GraphEditor, node: GraphNode): string {
  const [source] = node.inputs;
  if (node.definition !== RESHAPE || !editor.isOnlyUse(source, node)) return node.name;
  editor.releaseName(source.node);
  return source.node.name;
}
