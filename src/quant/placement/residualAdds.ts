/**
 * The rule of fourth-generation Xeon processors (NNCF's CPU_SPR): they add a quantized and a float operand faster than
 * two quantized ones, so of the two quantizers in front of a residual addition one is left out.
 */
import type { Graph, GraphNode } from '../../graph/graph.js';
import { DYNAMIC } from '../../tensor/shape.js';
import { hasKind } from './fusedPatterns.js';
import { readersOf } from './ignoredPatterns.js';
import { dataNodes, throughIdentities } from './operators.js';

/**
 * The nodes whose quantizer is to be left out, and the additions that then read one operand in float.
 * @param isQuantized Whether a node has a quantizer at its output.
 */
export function unquantizedOperands(
  graph: Graph,
  isQuantized: (node: GraphNode) => boolean,
): { readonly operands: ReadonlySet<GraphNode>; readonly additions: ReadonlySet<GraphNode> } {
  const live = dataNodes(graph);
  const readers = readersOf(graph);
  const producers = (node: GraphNode): GraphNode[] => [
    ...new Set(node.inputs.map((value) => throughIdentities(value).node).filter((source) => live.has(source))),
  ];
  const consumers = (node: GraphNode): number =>
    new Set((readers.get(node) ?? []).map((use) => use.node)).size +
    graph.outputs.filter(({ value }) => throughIdentities(value).node === node).length;
  /** Whether a weighted operation comes before the node, without a join between them. */
  const followsWeights = (node: GraphNode): boolean => {
    let current = node;
    for (;;) {
      const sources = producers(current);
      if (sources.length !== 1) return false;
      [current] = sources;
      if (hasKind(current.type, 'linear')) return true;
    }
  };
  const left = new Set<GraphNode>();
  for (const node of graph.nodes) {
    if (node.type !== 'Add' || !live.has(node)) continue;
    const operands = producers(node);
    if (operands.length !== 2 || !operands.every((operand) => isQuantized(operand) && !left.has(operand))) continue;
    const [first, second] = operands.sort((a, b) => consumers(b) - consumers(a));
    if (consumers(first) > 1 && consumers(second) === 1) left.add(second);
    else if (followsWeights(first) && followsWeights(second))
      left.add(elements(first) >= elements(second) ? first : second);
  }
  const additions = graph.nodes.filter((node) => live.has(node) && producers(node).some((source) => left.has(source)));
  return { operands: left, additions: new Set(additions) };
}

const elements = (node: GraphNode): number =>
  node.outputs[0].type.shape.reduce((product, extent) => product * (extent === DYNAMIC ? 1 : extent), 1);
