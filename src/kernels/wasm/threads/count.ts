/** How many threads backends use that were not told a number of their own. */
import { ValidationError } from '../../../errors.js';
import { environmentThreads } from '../environment.js';
import { knownThreadHost, whyOneThread } from './host.js';
import { MAXIMUM_THREADS } from './layout.js';

let chosen: number | null = null;
let changes = 0;

/** @throws ValidationError `THREAD_COUNT` */
export function checkThreadCount(count: number): number {
  if (!Number.isInteger(count) || count < 1 || count > MAXIMUM_THREADS)
    throw new ValidationError(
      'THREAD_COUNT',
      `The number of threads must be a whole number from 1 to ${MAXIMUM_THREADS}; it is ${String(count)}.`,
      { count },
    );
  return count;
}

/**
 * Sets how many threads kernels run on, the calling one included, from the next kernel on. Results are the same bits for
 * every number. By default the environment variable `QUANTGRAD_THREADS`, else as many as the process has cores; where threads cannot share memory (a browser page that is
 * not cross-origin isolated) there is always one.
 * @throws ValidationError `THREAD_COUNT` unless it is a whole number from 1 to 64
 */
export function setThreads(count: number): void {
  chosen = checkThreadCount(count);
  changes++;
}

/** What the environment says; null until it was read, which is once. */
let fromEnvironment: { readonly count: number | undefined } | null = null;

/**
 * The number that `setThreads` set, or the default.
 * @throws ValidationError `ENVIRONMENT_VALUE` if `QUANTGRAD_THREADS` is no number of threads
 */
export function getThreads(): number {
  if (chosen !== null) return chosen;
  fromEnvironment ??= { count: environmentThreads(MAXIMUM_THREADS) };
  return fromEnvironment.count ?? Math.min(knownThreadHost()?.cores ?? 1, MAXIMUM_THREADS);
}

/** Whether there can be more than one thread; true as long as that is not known. */
export const threadsPossible = (): boolean => knownThreadHost() !== null;

/** Why it is this number of threads, as the end of a sentence that begins with it. */
export function threadsReason(): string {
  if (knownThreadHost() === null) return `${whyOneThread()}, so memory cannot be shared`;
  if (chosen !== null) return 'the program has set it';
  if (fromEnvironment?.count !== undefined) return 'QUANTGRAD_THREADS says so';
  return 'the number of cores that the process may use';
}

/** The number, and how often it was set. */
export const threadChoice = (): { readonly count: number; readonly changes: number } => ({
  count: getThreads(),
  changes,
});
