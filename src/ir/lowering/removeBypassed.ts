/** Removes operations that let their input through: dropout outside of training, quantizers that are off. */
import type { Graph } from '../../graph/graph.js';
import { GraphEditor } from './graphEditor.js';

export function removeBypassed(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    if (node.definition.bypass?.(node.attributes)) editor.replace(node.outputs[0], node.inputs[0]);
  }
  editor.finish();
}
