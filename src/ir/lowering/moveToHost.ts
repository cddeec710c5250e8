/** Brings all constants to the reference backend, where the later passes compute and read at once. */
import type { Graph } from '../../graph/graph.js';
import { referenceBackend } from '../../tensor/backend.js';

export async function moveToHost(graph: Graph): Promise<void> {
  for (const node of graph.nodes) {
    if (!node.isConstant) continue;
    const { tensor, path } = node.constant;
    node.attributes = { tensor: (await tensor.to(referenceBackend())).detach(), path };
  }
}
