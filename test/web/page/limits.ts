/** What the tests demand. */
import { ensure } from '../../package/report.js';
import type { Files } from './plan.js';

/** Milliseconds that a task may keep a page busy while it trains. */
export const LONGEST_TASK = 50;
/** Milliseconds of a whole training. */
export const LONGEST_RUN = 60_000;
/** Accuracy of the quantized network. */
export const ENOUGH = 0.95;

export function ensureSame(found: Files, wanted: Files): void {
  for (const name of ['xml', 'bin'] as const) ensure(found[name] === wanted[name], `the ${name} is another`);
}
