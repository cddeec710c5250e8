/**
 * How a long sum is shared out. A GPU cannot add into shared memory, so a sum of many elements is two
 * launches: one thread per chunk of about the square root of their number, then one that adds the
 * chunks. That also keeps float32's rounding errors small. A short sum is one launch.
 */

/** Elements that one thread adds up alone. */
export const SHORT_SUM = 1024;

/** Most sums over chunks: with so many threads a GPU is busy, and more would only cost memory. */
const MOST_PARTIAL_SUMS = 2 ** 18;

/** Units (elements, or rows of them) of a chunk, and the number of chunks. The last chunk may be shorter. */
export interface Chunking {
  readonly chunk: number;
  readonly chunks: number;
}

/** Shares out `units` of `unitSize` elements each, for every one of `results` sums. */
export function shareOut(units: number, unitSize: number, results: number): Chunking {
  const elements = units * unitSize;
  if (elements <= SHORT_SUM) {
    return { chunk: units, chunks: 1 };
  }
  const wanted = Math.ceil(elements / Math.ceil(Math.sqrt(elements)));
  const most = Math.max(1, Math.floor(MOST_PARTIAL_SUMS / results));
  const chunk = Math.ceil(units / Math.min(units, wanted, most));
  return { chunk, chunks: Math.ceil(units / chunk) };
}

/** Adds the chunks' sums, of which element `k * results + i` is chunk k's share of result i. */
export const addChunks = (chunks: number, results: number): string => `function (sums) {
    let sum = 0;
    for (let k = 0; k < ${chunks}; k++) {
      sum = sum + sums[this.thread.x + k * ${results}];
    }
    return sum;
  }`;
