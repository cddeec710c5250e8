/** Turns the quantizers of training into OpenVINO's forms: 8-bit weights with a scale, and FakeQuantize of activations. */
import type { Graph } from '../../graph/graph.js';
import { isQuantizer, Quantizer } from '../../quant/quantizer.js';
import { activationQuantizer } from './activationQuantizer.js';
import { addDequantization } from './dequantization.js';
import { GraphEditor } from './graphEditor.js';
import { quantizeWeights } from './quantizeWeights.js';

/** Reads values, so it waits for the backend. */
export async function lowerQuantizers(graph: Graph): Promise<void> {
  const editor = new GraphEditor(graph);
  for (const node of graph.nodes.filter(isQuantizer)) {
    const quantizer = new Quantizer(node);
    const source = node.inputs[0].node;
    editor.releaseName(node);
    if (quantizer.spec.kind === 'weights' && source.isConstant) {
      // The codes take the place of the float weights, and their name where nothing else needs these.
      if (editor.isOnlyUse(node.inputs[0], node)) editor.releaseName(source);
      const weights = await quantizeWeights(quantizer, source.constant.tensor);
      const names = { codes: source.name, result: node.name };
      editor.replace(node.outputs[0], addDequantization(editor, names, weights, node.scope));
    } else {
      editor.replace(node.outputs[0], await activationQuantizer(editor, quantizer, node));
    }
  }
  editor.finish();
}
