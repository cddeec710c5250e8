/**
 * The order in which NNCF goes through the operations of an OpenVINO model. Any order of computation would do to correct
 * biases layer after layer, but layers side by side influence what follows them in the order in which they are taken, so
 * only the same order gives the same biases.
 */
import type { Graph, GraphNode, GraphUse } from '../graph/graph.js';

/** The positions of the nodes: of those that can be computed, the one of the lowest number comes next. */
export function openvinoOrder(graph: Graph): Map<GraphNode, number> {
  const uses = graph.uses();
  const readers = (node: GraphNode): GraphUse[] => node.outputs.flatMap((value) => uses.get(value) ?? []);
  const numbered = numberNodes(graph, readers);
  const numbers = new Map(numbered.map((node, index) => [node, index]));
  const missing = new Map(numbered.map((node) => [node, new Set(node.inputs.map((value) => value.node)).size]));
  /** Numbers of the nodes that can be computed, the lowest last. */
  const ready = numbered.flatMap((node, index) => (missing.get(node) === 0 ? [index] : [])).reverse();
  const positions = new Map<GraphNode, number>();
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    const node = numbered[next];
    positions.set(node, positions.size);
    for (const reader of new Set(readers(node).map((use) => use.node))) {
      const left = (missing.get(reader) ?? 1) - 1;
      missing.set(reader, left);
      if (left === 0) insert(ready, numbers.get(reader) as number);
    }
  }
  return positions;
}

/** Inserts into a falling list. */
function insert(list: number[], item: number): void {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] > item) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}

/** First what the inputs reach, breadth first, readers by name; then the rest, as they are met on the way up from the results. */
function numberNodes(graph: Graph, readers: (node: GraphNode) => GraphUse[]): GraphNode[] {
  const numbered = new Set<GraphNode>();
  const queue = [...graph.inputs];
  for (let index = 0; index < queue.length; index++) {
    if (numbered.has(queue[index])) continue;
    numbered.add(queue[index]);
    const names = readers(queue[index]).map((use) => use.node);
    queue.push(...names.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)));
  }
  const met = new Set<GraphNode>();
  // The last result and the last input of an operation come first.
  for (const { value } of [...graph.outputs].reverse()) {
    const stack = met.has(value.node) ? [] : [value.node];
    met.add(value.node);
    for (let node = stack.pop(); node; node = stack.pop()) {
      numbered.add(node);
      for (const input of node.inputs) {
        if (met.has(input.node)) continue;
        met.add(input.node);
        stack.push(input.node);
      }
    }
  }
  for (const node of graph.nodes) numbered.add(node);
  return [...numbered];
}
