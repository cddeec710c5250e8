/**
 * Bit widths of single layers, by name. Mixed precision where it is known which layers need it, such as 8 bits for the
 * first and the last layer and 4 for the rest.
 */
import { ValidationError } from '../errors.js';
import type { Graph, GraphNode } from '../graph/graph.js';
import { checkOptions, nearestName } from '../options.js';

/** Bits of the codes, from 2 to 8: of weights and of the activations that an operation reads. Absent: as for all layers. */
export type LayerBits = number | { readonly weights?: number; readonly activations?: number };

/**
 * For names of operations, paths of layers (with dots or slashes, for everything in the layer), or regular expressions
 * that are searched for in an operation's name: the widths. The last that matches decides, for weights and for
 * activations each. An object for plain names; a `Map` or a list of pairs where there are regular expressions.
 */
export type BitsByName = Readonly<Record<string, LayerBits>> | Iterable<readonly [string | RegExp, LayerBits]>;

type Kind = 'weights' | 'activations';

interface Rule {
  readonly text: string;
  readonly bits: { readonly weights?: number; readonly activations?: number };
  readonly nodes: ReadonlySet<GraphNode>;
  used: boolean;
}

const WHERE = 'quantize: bitsByName';

const invalid = (code: string, message: string, details = {}): ValidationError =>
  new ValidationError(code, `${WHERE} ${message}`, { option: 'bitsByName', ...details });

/** The widths of a graph's operations. */
export class LayerWidths {
  readonly #rules: readonly Rule[];
  /** Widths that weights already have, by the constant that holds them. */
  readonly #shared = new Map<GraphNode, { readonly node: GraphNode; readonly width: number | undefined }>();

  /** @throws ValidationError for names that match nothing, and for widths that do not exist. */
  constructor(graph: Graph, option: BitsByName = {}) {
    const operations = graph.nodes.filter((node) => !node.isConstant && !node.isParameter);
    this.#rules = entriesOf(option).map(([name, given]) => makeRule(operations, name, given));
  }

  /** The width that was asked for; undefined: as for all layers. */
  of(node: GraphNode, kind: Kind): number | undefined {
    let found: number | undefined;
    for (const rule of this.#rules) {
      const width = rule.nodes.has(node) ? rule.bits[kind] : undefined;
      if (width === undefined) continue;
      rule.used = true;
      found = width;
    }
    return found;
  }

  /**
   * As `of`, for a node that uses weights.
   * @throws ValidationError `CONFLICTING_BITS` if another node uses the same weights with another width.
   */
  ofWeights(node: GraphNode, weights: GraphNode): number | undefined {
    const width = this.of(node, 'weights');
    const known = this.#shared.get(weights);
    if (known && known.width !== width) {
      const say = (each: number | undefined): string =>
        each === undefined ? 'the width of all layers' : `${each} bits`;
      throw invalid(
        'CONFLICTING_BITS',
        `gives the weights '${weights.name}' ${say(known.width)} for '${known.node.name}' and ${say(width)} for '${node.name}'. They are one tensor; name both layers alike.`,
        { weights: weights.name },
      );
    }
    this.#shared.set(weights, { node, width });
    return width;
  }

  /** @throws ValidationError `BITS_BY_NAME_UNUSED` for a rule that no quantizer was made by. */
  checkUsed(): void {
    const unused = this.#rules.filter(({ used }) => !used);
    if (unused.length === 0) return;
    const names = unused.map(
      ({ text, nodes }) =>
        `${text} (${[...nodes]
          .slice(0, 3)
          .map(({ name }) => name)
          .join(', ')})`,
    );
    throw invalid(
      'BITS_BY_NAME_UNUSED',
      `has no effect for ${names.join('; ')}: nothing there has a quantizer of that kind. ` +
        'Name the convolution or matrix product rather than the activation behind it, and look at ignoredScope.',
      { unused: unused.map(({ text }) => text) },
    );
  }
}

function entriesOf(option: BitsByName): (readonly [string | RegExp, LayerBits])[] {
  if (typeof option !== 'object' || option === null)
    throw invalid(
      'INVALID_OPTION',
      `must be an object of names or a list of [name or RegExp, bits], not ${String(option)}.`,
    );
  if (!(Symbol.iterator in option)) return Object.entries(option);
  const entries = [...(option as Iterable<unknown>)];
  const isPair = (entry: unknown): entry is [string | RegExp, LayerBits] =>
    Array.isArray(entry) && entry.length === 2 && (typeof entry[0] === 'string' || entry[0] instanceof RegExp);
  entries.forEach((entry, index) => {
    if (!isPair(entry))
      throw invalid('INVALID_OPTION', `must hold pairs [name or RegExp, bits]; entry ${index} is none.`);
  });
  return entries as [string | RegExp, LayerBits][];
}

function makeRule(operations: readonly GraphNode[], name: string | RegExp, given: LayerBits): Rule {
  const text = typeof name === 'string' ? `'${name}'` : String(name);
  if (typeof given !== 'number') checkOptions(`${WHERE} of ${text}`, given, ['weights', 'activations']);
  const bits = typeof given === 'number' ? { weights: given, activations: given } : (given ?? {});
  for (const [kind, value] of Object.entries(bits)) {
    if (value !== undefined && (!Number.isInteger(value) || value < 2 || value > 8))
      throw invalid('INVALID_OPTION', `of ${text}: ${kind} must be a whole number from 2 to 8, not ${String(value)}.`);
  }
  const nodes = new Set(operations.filter(typeof name === 'string' ? byName(name) : byExpression(name)));
  if (nodes.size === 0) throw unmatched(operations, name, text);
  return { text, bits, nodes, used: false };
}

function byName(name: string): (node: GraphNode) => boolean {
  const path = name.replaceAll('.', '/');
  return (node) => node.name === name || node.scope === path || node.scope.startsWith(`${path}/`);
}

function byExpression(expression: RegExp): (node: GraphNode) => boolean {
  // Expressions with these flags remember where they were.
  const plain = new RegExp(expression.source, expression.flags.replace(/[gy]/g, ''));
  return (node) => plain.test(node.name);
}

function unmatched(operations: readonly GraphNode[], name: string | RegExp, text: string): ValidationError {
  const layers = [
    ...new Set(operations.map(({ scope }) => scope.replaceAll('/', '.')).filter((scope) => scope !== '')),
  ];
  const known = operations.map((node) => node.name);
  const nearest = typeof name === 'string' ? nearestName(name, [...layers, ...known]) : undefined;
  const advice = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
  return invalid(
    'BITS_BY_NAME_UNMATCHED',
    `has ${text}, which is no operation or layer of this model.${advice} Operations are ${known.slice(0, 20).join(', ')}${known.length > 20 ? `, and ${known.length - 20} more` : ''}.`,
    { nearest, known },
  );
}
