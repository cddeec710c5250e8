/** Batch normalisation that no convolution or matrix product takes up becomes one multiplication and one addition. */
import type { Graph } from '../../graph/graph.js';
import { NO_ATTRIBUTES } from '../../ops/checks.js';
import { ADD } from '../../ops/elementwise/add.js';
import { MULTIPLY } from '../../ops/elementwise/multiply.js';
import { hostTensor } from '../hostTensor.js';
import { batchNormConstants } from './batchNormConstants.js';
import { GraphEditor } from './graphEditor.js';

export function decomposeBatchNorm(graph: Graph): void {
  const editor = new GraphEditor(graph);
  for (const node of [...graph.nodes]) {
    const affine = batchNormConstants(node);
    if (!affine) continue;
    const { name, scope } = node;
    const shape = node.outputs[0].type.shape.map((_, axis) => (axis === 1 ? affine.factor.length : 1));
    const constant = (part: string, values: Float64Array) =>
      editor.constant(`${name}/${part}`, hostTensor(Float32Array.from(values), shape), scope);
    const factors = [node.inputs[0], constant('factor', affine.factor)];
    const scaled = editor.operation(MULTIPLY, `${name}/multiply`, factors, NO_ATTRIBUTES, scope);
    const terms = [scaled, constant('offset', affine.offset)];
    editor.releaseName(node);
    editor.replace(node.outputs[0], editor.operation(ADD, name, terms, NO_ATTRIBUTES, scope));
  }
  editor.finish();
}
