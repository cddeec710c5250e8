/**
 * Groups of quantizers that are switched off together: an operation computes in float only if none of its inputs is
 * quantized, so the quantizers of all its inputs, and of whatever else those serve, belong together
 * (NNCF: `find_quantizer_nodes_to_cut` and `Ranker.find_groups_of_quantizers_to_rank`).
 */
import type { Graph, GraphNode } from '../../graph/graph.js';
import { isQuantizer } from '../quantizer.js';

export interface QuantizerGroup {
  readonly quantizers: readonly GraphNode[];
  /** Operations that compute in float when the quantizers are off. */
  readonly operations: readonly GraphNode[];
}

const isQuantizable = ({ definition }: GraphNode): boolean => definition.quantization?.trait === 'inputsQuantizable';
const isAgnostic = ({ definition }: GraphNode): boolean =>
  definition.quantization?.trait === 'quantizationAgnostic' || definition.quantization?.trait === 'concat';

/** The groups of a graph, those near its outputs first. Quantizers that are off belong to none. */
export function quantizerGroups(graph: Graph): QuantizerGroup[] {
  const readers = new Map<GraphNode, GraphNode[]>(graph.nodes.map((node) => [node, []]));
  for (const node of graph.nodes) for (const source of new Set(sourcesOf(node))) readers.get(source)?.push(node);
  const isOn = (node: GraphNode): boolean => isQuantizer(node) && !node.definition.bypass?.(node.attributes);
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  const byOrder = (nodes: Iterable<GraphNode>): GraphNode[] =>
    [...nodes].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  const grouped = new Set<GraphNode>();
  const groups: QuantizerGroup[] = [];
  for (const quantizer of [...graph.nodes].reverse()) {
    if (!isOn(quantizer) || grouped.has(quantizer)) continue;
    const { quantizers, operations } = closure(quantizer, (node) => readers.get(node) ?? [], isOn);
    for (const member of quantizers) grouped.add(member);
    groups.push({ quantizers: byOrder(quantizers), operations: byOrder(operations) });
  }
  return groups;
}

/** Nodes whose values a node reads; parameters of a quantizer are not data. */
const sourcesOf = (node: GraphNode): GraphNode[] =>
  (isQuantizer(node) ? node.inputs.slice(0, 1) : node.inputs).map((value) => value.node);

/**
 * From a quantizer down to the operations that it serves, past what leaves values unchanged, and from each of those up
 * to every quantizer that feeds it, until nothing is added.
 */
function closure(
  start: GraphNode,
  readersOf: (node: GraphNode) => readonly GraphNode[],
  isOn: (node: GraphNode) => boolean,
): { quantizers: Set<GraphNode>; operations: Set<GraphNode> } {
  const quantizers = new Set([start]);
  const operations = new Set<GraphNode>();
  const seenBelow = new Set<GraphNode>();
  const seenAbove = new Set<GraphNode>();
  const toLookBelow = [start];
  const toLookAbove: GraphNode[] = [];
  const passThrough = (node: GraphNode): void => {
    if (!seenAbove.has(node)) toLookAbove.push(node);
    if (!seenBelow.has(node) && isAgnostic(node)) toLookBelow.push(node);
  };
  const cut = (quantizer: GraphNode): void => {
    quantizers.add(quantizer);
    toLookBelow.push(quantizer);
  };
  const lookBelow = (node: GraphNode): void => {
    if (seenBelow.has(node)) return;
    for (const reader of readersOf(node)) {
      if (isQuantizable(reader)) {
        operations.add(reader);
        if (!seenAbove.has(reader)) toLookAbove.push(reader);
      } else if (!isOn(reader)) passThrough(reader);
      else if (isOn(node)) cut(reader);
      // A quantizer behind an operation begins another grid, and stays.
      else seenBelow.add(reader);
    }
    seenBelow.add(node);
  };
  const lookAbove = (node: GraphNode): void => {
    if (seenAbove.has(node)) return;
    for (const source of sourcesOf(node)) {
      if (source.isConstant) continue;
      if (!isQuantizable(source) && !isOn(source)) passThrough(source);
      else if (seenBelow.has(source)) continue;
      else if (isOn(source)) cut(source);
      else toLookBelow.push(source);
    }
    seenAbove.add(node);
  };
  while (toLookBelow.length > 0 || toLookAbove.length > 0) {
    const below = toLookBelow.pop();
    if (below) lookBelow(below);
    const above = toLookAbove.pop();
    if (above) lookAbove(above);
  }
  return { quantizers, operations };
}
