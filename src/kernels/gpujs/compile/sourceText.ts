/**
 * GPU.js sources as text that can be taken apart and put together. Sources are small and keep to the rules of program.ts,
 * so that names and brackets are all there is to see; GPU.js itself parses the result.
 */

/** A source taken apart. */
export interface ParsedSource {
  readonly parameters: readonly string[];
  readonly body: string;
  /** The body without its last statement, which returns `result`; both undefined where that is not the only `return`. */
  readonly statements?: string;
  readonly result?: string;
}

/** The position of the element that is computed. */
export const THREAD = 'this.thread.x';

const IDENTIFIER = /(?<![\w$.])[A-Za-z_$][\w$]*/g;

export function parseSource(source: string): ParsedSource {
  const text = source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
  const end = text.indexOf(')');
  const parameters = text
    .slice(text.indexOf('(') + 1, end)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const body = text.slice(text.indexOf('{', end) + 1, text.lastIndexOf('}'));
  const [statements, rest, ...others] = body.split(/(?<![\w$.])return(?![\w$])/);
  const [, result] = /^([^;]*);?\s*$/.exec(rest ?? '') ?? [];
  if (others.length > 0 || rest === undefined || result === undefined) return { parameters, body };
  return { parameters, body, statements, result: result.trim() };
}

export const writeSource = (parameters: readonly string[], body: string): string =>
  `function (${parameters.join(', ')}) {${body}\n}`;

/** Names that the statements declare. */
export const localsOf = (statements: string): Set<string> =>
  new Set([...statements.matchAll(/(?<![\w$.])(?:const|let|var)\s+([A-Za-z_$][\w$]*)/g)].map(([, name]) => name));

export const renameIdentifiers = (text: string, names: ReadonlyMap<string, string>): string =>
  text.replace(IDENTIFIER, (name) => names.get(name) ?? name);

/** The text with another position than the thread's. */
export const atPosition = (text: string, position: string): string =>
  text.replaceAll(/this\s*\.\s*thread\s*\.\s*x/g, position);

/** The position of the bracket that closes the one at `open`. */
function closingBracket(text: string, open: number): number {
  let depth = 0;
  for (let position = open; position < text.length; position++) {
    if (text[position] === '[') depth++;
    else if (text[position] === ']' && --depth === 0) return position;
  }
  return text.length;
}

/** Rewrites every `name[position]`; positions are rewritten before what contains them. */
export function rewriteReads(
  text: string,
  names: readonly string[],
  rewrite: (name: string, position: string) => string,
): string {
  if (names.length === 0) return text;
  const read = new RegExp(`(?<![\\w$.])(${names.join('|')})\\s*\\[`, 'g');
  let result = '';
  let done = 0;
  for (let match = read.exec(text); match; match = read.exec(text)) {
    const open = read.lastIndex - 1;
    const close = closingBracket(text, open);
    const position = rewriteReads(text.slice(open + 1, close), names, rewrite);
    result += text.slice(done, match.index) + rewrite(match[1], position);
    done = close + 1;
    read.lastIndex = done;
  }
  return result + text.slice(done);
}

/**
 * The source for inputs that begin inside a larger array: with one more parameter, its offset, for each shifted
 * parameter, in their order. An offset is a number, so that one built kernel serves every offset.
 * @param shifted By parameter.
 */
export function withOffsets(source: string, shifted: readonly boolean[]): string {
  if (!shifted.includes(true)) return source;
  const end = source.indexOf(')');
  const names = parseSource(source).parameters.filter((_, index) => shifted[index]);
  const added = names.map((name) => `, ${name}ViewOffset`).join('');
  const body = rewriteReads(source.slice(end), names, (name, position) => `${name}[${name}ViewOffset + (${position})]`);
  return source.slice(0, end) + added + body;
}

/** Where a text reads an array. */
interface Read {
  readonly start: number;
  readonly end: number;
  readonly position: string;
}

function lastRead(text: string, name: string): Read | undefined {
  const found = [...text.matchAll(new RegExp(`(?<![\\w$.])${name}\\s*\\[`, 'g'))].at(-1);
  if (!found) return undefined;
  const open = found.index + found[0].length - 1;
  const end = closingBracket(text, open) + 1;
  return { start: found.index, end, position: text.slice(open + 1, end - 1).trim() };
}

/** The start of the statement that a place in a body belongs to; undefined where it may run more than once, or not first. */
function statementStart(body: string, place: number): number | undefined {
  const blocks: boolean[] = [];
  let start = 0;
  let depth = 0;
  for (let position = 0; position < place; position++) {
    const character = body[position];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === '{') blocks.push(LOOP.test(body.slice(start, position)));
    else if (character === '}') blocks.pop();
    if (depth === 0 && (character === ';' || character === '{' || character === '}')) start = position + 1;
  }
  return blocks.includes(true) || LATE.test(body.slice(start, place)) ? undefined : start;
}

const LOOP = /(?<![\w$.])(?:for|while)\s*\(/;
const LATE = /^\s*(?:for|while|do|else)(?![\w$])/;

/** Whether a text has loops. */
export const hasLoops = (text: string): boolean => LOOP.test(text);

/**
 * Computes what a body reads as `name[position]` by statements instead.
 * @param write Gives statements that declare `value`, the element at `position`; `number` tells apart those of one body.
 * @param once Whether the element at the thread's own position may be computed for every thread.
 * @returns The body and how often it computes an element, or null where a read stands in a loop or a condition
 */
export function computeReads(
  body: string,
  name: string,
  once: boolean,
  write: (position: string, number: number) => { readonly statements: string; readonly value: string },
): { readonly body: string; readonly evaluations: number } | null {
  let evaluations = 0;
  let text = body;
  let own: string | null = null;
  let first = '';
  for (let read = lastRead(text, name); read; read = lastRead(text, name)) {
    const isOwn = once && read.position === THREAD;
    const start = isOwn ? 0 : statementStart(text, read.start);
    if (start === undefined) return null;
    if (isOwn && own !== null) {
      text = text.slice(0, read.start) + own + text.slice(read.end);
      continue;
    }
    const { statements, value } = write(read.position, evaluations++);
    if (isOwn) {
      own = value;
      first = statements;
      text = text.slice(0, read.start) + value + text.slice(read.end);
    } else {
      text = text.slice(0, start) + statements + text.slice(start, read.start) + value + text.slice(read.end);
    }
  }
  return { body: first + text, evaluations };
}
