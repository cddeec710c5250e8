/**
 * GPU.js sources as text that can be taken apart and put together. Sources are small and keep to the rules of program.ts,
 * so that names and brackets are all there is to see; GPU.js itself parses the result.
 */

/** A source taken apart: parameters, statements, and what the last statement returns. */
export interface ParsedSource {
  readonly parameters: readonly string[];
  readonly statements: string;
  /** The returned expression; undefined where `return` is not the last statement and the only one. */
  readonly result: string | undefined;
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
  return others.length > 0 || result === undefined || rest === undefined
    ? { parameters, statements: body, result: undefined }
    : { parameters, statements, result: result.trim() };
}

export const writeSource = (parameters: readonly string[], statements: string, result: string): string =>
  `function (${parameters.join(', ')}) {${statements}\nreturn ${result};\n}`;

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
