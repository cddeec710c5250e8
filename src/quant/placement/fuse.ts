/**
 * Finds the chains of operations that hardware fuses. Matching is strict, as NNCF's: nothing outside a chain reads an
 * inner value of it, and only its first operation reads anything from outside. Each operation is in one chain at most.
 */
import type { GraphNode } from '../../graph/graph.js';
import { FUSED_PATTERNS, hasKind, type Pattern, type PatternNode } from './fusedPatterns.js';

/** How operations are connected, without constants and without operations that change nothing. */
export interface DataFlow {
  /** The operations in execution order. */
  readonly nodes: readonly GraphNode[];
  /** What computes an operation's data inputs, one for each. */
  producers(node: GraphNode): readonly GraphNode[];
  /** What reads an operation's outputs, each once. */
  consumers(node: GraphNode): ReadonlySet<GraphNode>;
  isOutput(node: GraphNode): boolean;
}

/** The chains by their first operation; every operation is in one. */
export function fuse(flow: DataFlow): Map<GraphNode, readonly GraphNode[]> {
  const heads = new Map(flow.nodes.map((node) => [node, headOf(node, flow)]));
  // A bias belongs to the operation in front of it.
  const taken = new Set([...heads.values()].flatMap((head) => head.slice(1)));
  const chains = new Map<GraphNode, readonly GraphNode[]>();
  const take = (first: GraphNode, chain: readonly GraphNode[]): void => {
    for (const member of chain) taken.add(member);
    chains.set(first, chain);
  };
  for (const pattern of FUSED_PATTERNS) {
    for (const node of flow.nodes) {
      if (taken.has(node) || !fits(node, pattern[0])) continue;
      const chain = match(pattern, heads.get(node) ?? [node], flow, taken);
      if (chain) take(node, chain);
    }
  }
  for (const node of flow.nodes) if (!taken.has(node)) take(node, heads.get(node) ?? [node]);
  return chains;
}

const fits = (node: GraphNode, { kind, type }: PatternNode): boolean =>
  kind === undefined ? node.type === type : hasKind(node.type, kind);

/** A linear operation and the constant added to it, which is its bias. */
function headOf(node: GraphNode, flow: DataFlow): GraphNode[] {
  if (!hasKind(node.type, 'linear') || flow.isOutput(node)) return [node];
  const [next, ...others] = flow.consumers(node);
  const isBias = next?.type === 'Add' && others.length === 0 && flow.producers(next).length === 1;
  return isBias ? [node, next] : [node];
}

/** The chain that begins with `head`, or null. */
function match(
  pattern: Pattern,
  head: readonly GraphNode[],
  flow: DataFlow,
  taken: ReadonlySet<GraphNode>,
): GraphNode[] | null {
  // The value of the first operation of the pattern is that behind its bias.
  const matched = [head[head.length - 1]];
  for (const part of pattern.slice(1)) {
    const sources = part.sources.map((source) => matched[source]);
    const found = [...flow.consumers(sources[0])].find(
      (node) =>
        !taken.has(node) && !matched.includes(node) && fits(node, part) && sameNodes(flow.producers(node), sources),
    );
    if (!found) return null;
    matched.push(found);
  }
  const inside = new Set(matched);
  const leaks = matched
    .slice(0, -1)
    .some((node) => flow.isOutput(node) || [...flow.consumers(node)].some((reader) => !inside.has(reader)));
  return leaks ? null : [...head, ...matched.slice(1)];
}

/** Whether two lists hold the same nodes the same number of times. */
function sameNodes(a: readonly GraphNode[], b: readonly GraphNode[]): boolean {
  const count = (list: readonly GraphNode[], node: GraphNode): number => list.filter((other) => other === node).length;
  return a.length === b.length && a.every((node) => count(a, node) === count(b, node));
}
