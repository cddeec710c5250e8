/** Which operations the user does not want quantized (NNCF's IgnoredScope). */
import { ValidationError } from '../errors.js';
import type { Graph, GraphNode } from '../graph/graph.js';
import { checkOptions, editDistance } from '../options.js';

export interface IgnoredScope {
  /** Names of operations, or paths of layers with dots or slashes, which stand for all operations in the layer. */
  names?: readonly string[];
  /** Regular expressions that match the beginning of an operation's name. */
  patterns?: readonly string[];
  /** Types of operations, such as `MatMul`. */
  types?: readonly string[];
  /** Sections of the graph: every operation on a way from an input node to an output node, both included. */
  subgraphs?: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
  /** Whether a rule that matches nothing is an error. Default: true. */
  validate?: boolean;
}

const inLayer = (node: GraphNode, path: string): boolean =>
  path !== '' && (node.scope === path || node.scope.startsWith(`${path}/`));

/** A list of names as the user gave it. */
function listOf(name: string, value: readonly string[] = []): readonly string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new ValidationError('IGNORED_SCOPE_LIST', `ignoredScope: ${name} must be an array of strings.`, { name });
  }
  return value;
}

/** The ignored nodes of a graph. */
export function ignoredNodes(graph: Graph, scope: IgnoredScope = {}): Set<GraphNode> {
  checkOptions('ignoredScope', scope, ['names', 'patterns', 'types', 'subgraphs', 'validate']);
  const operations = graph.nodes.filter((node) => !node.isConstant && !node.isParameter);
  const ignored = new Set<GraphNode>();
  const unmatched: Rule[] = [];
  const rule = (kind: string, text: string, matches: (node: GraphNode) => boolean): void => {
    const found = operations.filter(matches);
    if (found.length === 0) unmatched.push({ kind, text });
    for (const node of found) ignored.add(node);
  };
  for (const name of listOf('names', scope.names)) {
    const path = name.replaceAll('.', '/');
    rule('name', name, (node) => node.name === name || inLayer(node, path));
  }
  for (const pattern of listOf('patterns', scope.patterns)) {
    const expression = toExpression(pattern);
    rule('pattern', pattern, (node) => expression.test(node.name));
  }
  for (const type of listOf('types', scope.types)) rule('type', type, (node) => node.type === type);
  const names = new Set(graph.nodes.map(({ name }) => name));
  for (const section of scope.subgraphs ?? []) {
    const inputs = listOf('subgraphs.inputs', section.inputs);
    const outputs = listOf('subgraphs.outputs', section.outputs);
    for (const name of [...inputs, ...outputs])
      if (!names.has(name)) unmatched.push({ kind: 'subgraph end', text: name });
    const between = subgraph(graph, inputs, outputs);
    rule('subgraph', `${inputs.join(', ')} to ${outputs.join(', ')}`, (node) => between.has(node));
  }
  if (unmatched.length > 0 && scope.validate !== false) {
    const known = operations.map((node) => node.name);
    throw new ValidationError(
      'IGNORED_SCOPE_UNMATCHED',
      `ignoredScope: nothing in the model matches ${unmatched.map(({ kind, text }) => `${kind} '${text}'`).join(', ')}. ` +
        `${unmatched.map((rule) => nearby(rule, operations)).join(' ')} Correct the rules, or pass validate: false to allow them.`,
      { unmatched: unmatched.map(({ kind, text }) => `${kind} '${text}'`), known },
    );
  }
  return ignored;
}

/** A rule as the error tells of it. */
interface Rule {
  readonly kind: string;
  readonly text: string;
}

/** How many names the error lists for a rule. */
const LISTED = 8;

/** What the model has that a rule may have meant. */
function nearby({ kind, text }: Rule, operations: readonly GraphNode[]): string {
  const names = operations.map(({ name }) => name);
  if (kind === 'type') {
    const types = [...new Set(operations.map(({ type }) => type))];
    return `The model's types are ${nearest(text, types).join(', ')}${types.length > LISTED ? ', ...' : ''}.`;
  }
  if (kind === 'subgraph') return 'There is no way from these inputs to these outputs.';
  if (kind === 'pattern') {
    const inside = names.filter((name) => new RegExp(text).test(name));
    const hint =
      inside.length > 0
        ? `'${text}' matches within ${inside.slice(0, LISTED).join(', ')}, but patterns match from the beginning of a name: write '.*${text}'.`
        : '';
    if (hint) return hint;
  }
  const layers =
    kind === 'name' ? [...new Set(operations.map(({ scope }) => scope).filter((scope) => scope !== ''))] : [];
  const found = nearest(text, [...names, ...layers]);
  return `Near ${kind} '${text}' the model has ${found.join(', ')}${names.length > LISTED ? ' and others' : ''}.`;
}

/** The names most like a text: those that hold it, or a part of its path, before those that only look alike. */
function nearest(text: string, names: readonly string[]): string[] {
  const wanted = text.toLowerCase();
  const parts = wanted.split(/[/.]/).filter((part) => part.length > 1);
  const rank = (name: string): number => {
    const own = name.toLowerCase();
    if (own.includes(wanted) || wanted.includes(own)) return 0;
    const shared = parts.filter((part) => own.split('/').includes(part)).length;
    return editDistance(own, wanted) / Math.max(own.length, wanted.length) + 1 - shared / (parts.length + 1);
  };
  return names
    .map((name) => ({ name, rank: rank(name) }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, LISTED)
    .map(({ name }) => name);
}

function toExpression(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})`);
  } catch (error) {
    throw new ValidationError(
      'IGNORED_SCOPE_PATTERN',
      `ignoredScope: '${pattern}' is not a regular expression: ${(error as Error).message}`,
      { pattern },
      error,
    );
  }
}

/** Nodes that are reached from an input and reach an output. */
function subgraph(graph: Graph, inputs: readonly string[], outputs: readonly string[]): Set<GraphNode> {
  const down = new Set<GraphNode>();
  for (const node of graph.nodes)
    if (inputs.includes(node.name) || node.inputs.some((value) => down.has(value.node))) down.add(node);
  const up = new Set<GraphNode>();
  for (const node of [...graph.nodes].reverse()) {
    if (outputs.includes(node.name)) up.add(node);
    if (up.has(node)) for (const value of node.inputs) up.add(value.node);
  }
  return new Set([...down].filter((node) => up.has(node)));
}
