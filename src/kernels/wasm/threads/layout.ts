/**
 * The memory through which threads talk: 32-bit words in a shared buffer of its own, so that no kernel can reach it.
 * Words that different threads write often lie on cache lines of their own.
 *
 * A job is published by changing a worker's bell. A list of calls looks like this, call after call:
 *
 *   function number | flags, counts | units | integer arguments ... | float arguments ...
 */

/** Most threads, the calling one included. */
export const MAXIMUM_THREADS = 64;

/** Positions, in words. */
export const WORDS = {
  /** Threads that stand at the barrier. */
  arrived: 0,
  /** Number of barriers passed; waiting threads watch it. */
  generation: 16,
  /** Workers that sleep between jobs. */
  sleeping: 32,
  /** 0, or 1 once a thread has begun to write its error, 2 when it is written. */
  errorState: 48,
  errorThread: 49,
  /** Position of the call in its list. */
  errorCall: 50,
  errorLength: 51,
  errorText: 64,
  /** What to do: one of `JOBS`. */
  job: 320,
  /** Threads that do it, the calling one included. */
  threads: 321,
  /** Calls of a list, or bytes of the part of a module. */
  count: 322,
  /** Bytes of the whole module, and where in it the part begins. */
  total: 323,
  offset: 324,
  /** A line for each worker, by its number (from 1): the bell, and behind it whether the worker has started. */
  bells: 512,
  ready: 1,
  /** Bytes of a module. */
  module: 512 + MAXIMUM_THREADS * 16,
  /** The list of calls. */
  calls: 512 + MAXIMUM_THREADS * 16 + 16384,
} as const;

export const WORDS_PER_LINE = 16;

/** Room for a part of a module and for a list, in words; what is longer goes in several jobs. */
export const MODULE_WORDS = 16384;
export const LIST_WORDS = 65536;

/** Longest error text, in UTF-16 units. */
export const ERROR_TEXT_LENGTH = 256;

export const JOBS = { calls: 1, module: 2 } as const;

/** Words of a call before its arguments. */
export const CALL_HEADER = 3;

/** In the second word of a call: bits of its flags, and where its counts begin. */
export const CALL = {
  /** All threads take a part of the units; otherwise the calling thread does all. */
  shared: 1,
  /** A barrier follows. */
  barrier: 2,
  integersShift: 8,
  floatsShift: 20,
  countMask: 0xfff,
} as const;

/**
 * Milliseconds that a thread watches a word before it goes to sleep over it: about what waking it costs. The calling
 * thread watches longer than it takes to wake a worker; else two threads that have once slept put each other to sleep
 * for ever after. Longer still would keep cores from other programs.
 */
export const WORKER_SPIN = 0.1;
export const CALLER_SPIN = 0.2;
/** Looks at the word between two looks at the clock. */
export const SPINS = 50;

/** First of a thread's units, of `threads`; the part ends where the next thread's begins. */
export const sliceBegin = (units: number, thread: number, threads: number): number =>
  Math.floor((units * thread) / threads);

export function createControl(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer((WORDS.calls + LIST_WORDS) * 4));
}
