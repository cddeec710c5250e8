/**
 * The check that every function with an options object makes: a misspelled option must not be ignored
 * silently, so an unknown name is an error that suggests the nearest known one.
 */
import { ValidationError } from './errors.js';

/**
 * @param where What takes the options, such as `Conv2d`; it begins the message.
 * @param options As given by the user; undefined is none.
 * @param known Every name there is.
 * @throws ValidationError `UNKNOWN_OPTION`, or `OPTIONS_NOT_AN_OBJECT` for a number, a string, an array or null.
 */
export function checkOptions(where: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    const given =
      options === null ? 'null' : Array.isArray(options) ? 'an array' : `${typeof options} ${String(options)}`;
    throw new ValidationError(
      'OPTIONS_NOT_AN_OBJECT',
      `${where}: options are given as an object such as { ${known[0] ?? ''}: ... }, not as ${given}.`,
    );
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const advice = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
    const list = known.length === 0 ? 'It has no options.' : `Its options are ${known.join(', ')}.`;
    throw new ValidationError('UNKNOWN_OPTION', `${where} has no option '${name}'.${advice} ${list}`, {
      option: name,
      nearest,
      known,
    });
  }
}

/** The known name that looks most like `name`, if any is close enough to be what was meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll('_', '');
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const [given, other] = [plain(name), plain(candidate)];
    // An abbreviation differs in many letters and is nevertheless near.
    const distance = given.startsWith(other) || other.startsWith(given) ? 1 : editDistance(given, other);
    // Half of the letters may differ; beyond that the suggestion would be noise.
    if (distance < least && distance <= Math.max(name.length, candidate.length) / 2) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Levenshtein's distance: how many letters to insert, delete or replace, one row of the table at a time. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
