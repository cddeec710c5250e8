/** Taking quantizers out of a graph again: what reads a quantizer then reads what the quantizer read. */
import type { Graph, GraphNode, GraphValue } from '../graph/graph.js';
import { isQuantizer, Quantizer, renameParameters } from './quantizer.js';

/** Lets every use of `from`, and every output of the graph that is `from`, read `to`. */
export function replaceValue(graph: Graph, from: GraphValue, to: GraphValue): void {
  for (const node of graph.nodes) {
    node.inputs.forEach((value, port) => {
      if (value === from) node.inputs[port] = to;
    });
  }
  for (const output of graph.outputs) if (output.value === from) output.value = to;
}

/**
 * Removes quantizers, in place. Where others share the range of one that goes, the first of them becomes the owner of
 * the parameters, whose names follow.
 */
export function removeQuantizers(graph: Graph, quantizers: Iterable<GraphNode>): void {
  for (const node of quantizers) replaceValue(graph, node.outputs[0], node.inputs[0]);
  graph.sort();
  adoptParameters(graph);
}

/** Names parameters after a quantizer that the graph has. */
export function adoptParameters(graph: Graph): void {
  const present = graph.nodes.filter(isQuantizer);
  const names = new Set(present.map(({ name }) => name));
  for (const node of present) if (!names.has(new Quantizer(node).owner)) renameParameters(node);
}
