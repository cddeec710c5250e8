/** Which operations the user does not want quantized (NNCF's IgnoredScope). */
import { ValidationError } from '../errors.js';
import type { Graph, GraphNode } from '../graph/graph.js';
import { checkOptions } from '../options.js';

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
  const unmatched: string[] = [];
  const rule = (kind: string, text: string, matches: (node: GraphNode) => boolean): void => {
    const found = operations.filter(matches);
    if (found.length === 0) unmatched.push(`${kind} '${text}'`);
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
    for (const name of [...inputs, ...outputs]) if (!names.has(name)) unmatched.push(`subgraph end '${name}'`);
    const between = subgraph(graph, inputs, outputs);
    rule('subgraph', `${inputs.join(', ')} to ${outputs.join(', ')}`, (node) => between.has(node));
  }
  if (unmatched.length > 0 && scope.validate !== false) {
    const known = operations.map((node) => node.name);
    throw new ValidationError(
      'IGNORED_SCOPE_UNMATCHED',
      `ignoredScope: nothing in the model matches ${unmatched.join(', ')}. Operations of this model are: ${known.slice(0, 20).join(', ')}` +
        `${known.length > 20 ? `, and ${known.length - 20} more` : ''}. Correct the rule, or pass validate: false to allow it.`,
      { unmatched, known },
    );
  }
  return ignored;
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
