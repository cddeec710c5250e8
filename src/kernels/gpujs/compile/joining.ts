/**
 * Joining: the source of a node goes into the sources of those that read it, so that its array never exists and its launch is
 * saved. A convolution, its bias, the activation and a fake-quantize become one source; so do the few steps that make a
 * quantizer's range from its scale and every quantizer that reads it.
 *
 * It works on text alone, by the rules of program.ts. A value is rounded to float32 where it would have been stored, so
 * that joined sources compute the same bits in GPU.js's `cpu` mode, whose numbers are doubles.
 */
import type { ProgramBuffer } from '../../program.js';
import {
  type ArrayPlace,
  type ComputedNode,
  type NodeArgument,
  type Part,
  type PartNode,
  placesRead,
} from './partNode.js';
import {
  atPosition,
  computeReads,
  hasLoops,
  localsOf,
  parseSource,
  renameIdentifiers,
  THREAD,
  writeSource,
} from './sourceText.js';

/** Limits of a joined source. */
export interface JoinLimits {
  /** Most arrays that a launch may read. */
  readonly arrays: number;
  /** Most characters, which keeps what a shader compiler has to do within bounds. */
  readonly characters: number;
}

const isPlace = (argument: NodeArgument): argument is ArrayPlace => typeof argument !== 'number';

const samePlace = (a: NodeArgument, b: ArrayPlace): boolean =>
  isPlace(a) && a.array === b.array && a.offset === b.offset;

/** Joins what can be joined. What is `needed` after the part has run keeps an array of its own. */
export function joinNodes({ nodes, places }: Part, needed: ReadonlySet<ProgramBuffer>, limits: JoinLimits): Part {
  const kept = new Set<ComputedNode | ProgramBuffer>([...needed].flatMap((buffer) => places.get(buffer)?.array ?? []));
  const readers = new Map<ComputedNode | ProgramBuffer, Set<PartNode>>();
  for (const node of nodes) {
    for (const { array } of placesRead(node)) readers.set(array, (readers.get(array) ?? new Set()).add(node));
  }
  const joined = new Set<PartNode>();
  for (const node of nodes) {
    if (node.kind === 'host' || kept.has(node)) continue;
    const all = [...(readers.get(node) ?? [])];
    const texts = all.map((reader) =>
      reader.kind === 'host' ? null : inlined(node, reader, all.length === 1, limits),
    );
    if (texts.length === 0 || texts.includes(null)) continue;
    all.forEach((each, index) => {
      const reader = each as ComputedNode;
      Object.assign(reader, texts[index]);
      for (const { array } of placesRead(node)) readers.get(array)?.add(reader);
    });
    for (const { array } of placesRead(node)) readers.get(array)?.delete(node);
    joined.add(node);
  }
  return { nodes: nodes.filter((node) => !joined.has(node)), places };
}

interface Inlined {
  readonly source: string;
  readonly arguments: readonly NodeArgument[];
}

/** Operations of a source that is computed for each element of a larger array, rather than once for its own few. */
const FEW_OPERATIONS = 16;

const operationsIn = (text: string): number => (text.match(/[-+*/<>]|Math\.(?!fround)/g) ?? []).length;

/** The reader with the maker's source in place of its array; null where that cannot be, or would cost more than it saves. */
function inlined(maker: ComputedNode, reader: ComputedNode, onlyReader: boolean, limits: JoinLimits): Inlined | null {
  const { parameters: makerNames, statements, result } = parseSource(maker.source);
  if (statements === undefined) return null;
  const own = parseSource(reader.source);
  const entries = own.parameters.map((name, index) => ({ name, argument: reader.arguments[index] }));
  const takes = entries.filter(({ argument }) => isPlace(argument) && argument.array === maker);
  const others = entries.filter((entry) => !takes.includes(entry));
  // The maker's names get a prefix that the reader has none of yet; arrays that both read share a parameter.
  const prefix = unusedPrefix(reader.source);
  const names = new Map<string, string>();
  const parameters = [...others];
  makerNames.forEach((name, index) => {
    const argument = maker.arguments[index];
    const known = isPlace(argument) ? parameters.find((each) => samePlace(each.argument, argument)) : undefined;
    names.set(name, known?.name ?? `${prefix}${name}`);
    if (!known) parameters.push({ name: `${prefix}${name}`, argument });
  });
  if (parameters.filter(({ argument }) => isPlace(argument)).length > limits.arrays) return null;

  const locals = [...localsOf(statements)];
  let body = own.body;
  let evaluations = 0;
  for (const { name, argument } of takes) {
    const { offset } = argument as ArrayPlace;
    // Past the end of the array there is nothing to read, not even for a value that is not used.
    const once = offset + reader.length <= maker.length;
    const computed = computeReads(body, name, once, (position, number) => {
      const inserted = `${prefix}${name}${number}`;
      const renamed = new Map([...names, ...locals.map((local): [string, string] => [local, `${inserted}${local}`])]);
      const at = offset === 0 ? position : `${offset} + (${position})`;
      const place = at === THREAD ? THREAD : `${inserted}Position`;
      const write = (text: string): string => atPosition(renameIdentifiers(text, renamed), place);
      const declared = at === THREAD ? '' : `const ${place} = ${at};`;
      const value = `${inserted}Value`;
      return {
        statements: `\n${declared}${write(statements)}\nconst ${value} = Math.fround(${write(result as string)});\n`,
        value,
      };
    });
    if (!computed) return null;
    body = computed.body;
    evaluations += computed.evaluations;
  }
  if ((!onlyReader || evaluations * reader.length > maker.length) && hasLoops(statements)) return null;
  if (evaluations * reader.length > maker.length && operationsIn(statements) > FEW_OPERATIONS) return null;
  const source = writeSource(
    parameters.map(({ name }) => name),
    body,
  );
  if (source.length > limits.characters) return null;
  return { source, arguments: parameters.map(({ argument }) => argument) };
}

function unusedPrefix(source: string): string {
  let number = 0;
  while (source.includes(`from${number}`)) number++;
  return `from${number}`;
}
