/** Brings the constants of a graph that was read to where the model's inputs will be: the default backend. */
import type { Graph } from '../graph/graph.js';
import { defaultBackend } from '../tensor/backend.js';
import { fromValues } from '../tensor/create.js';

export function placeConstants(graph: Graph): void {
  const backend = defaultBackend();
  for (const node of graph.nodes) {
    if (!node.isConstant) continue;
    const { tensor, path } = node.constant;
    if (tensor.backend === backend) continue;
    const values = tensor.dataSync();
    node.attributes = { tensor: fromValues(values.slice(), tensor.shape, tensor.dtype, { backend }), path };
  }
}
