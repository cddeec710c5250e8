/**
 * Philox 4x32 with 10 rounds, the counter-based random bits behind `Generator`: a keyed bijection of
 * 128-bit counters whose output passes the usual statistical tests. A counter instead of a hidden
 * state makes the position of a stream a number that can be saved, and streams that can be split.
 *
 * Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC '11, https://doi.org/10.1145/2063384.2063405 (the constants are the paper's).
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** The golden ratio and sqrt(3) - 1 as 32-bit fractions: what the key grows by in each round. */
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers, by products of 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Every partial sum stays below 2**32: (2**16 - 1)**2 + 2 * (2**16 - 1) = 2**32 - 1.
  const crossA = (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bLow) >>> 16);
  const crossB = (Math.imul(aLow, bHigh) >>> 0) + (crossA & 0xffff);
  return (Math.imul(aHigh, bHigh) >>> 0) + (crossA >>> 16) + (crossB >>> 16);
}

/**
 * Writes the four random words of one counter.
 *
 * @param counter four 32-bit words, the least significant first
 * @param key two 32-bit words
 * @param output four unsigned 32-bit words
 */
export function philox(counter: ArrayLike<number>, key: ArrayLike<number>, output: Uint32Array): void {
  let c0 = counter[0];
  let c1 = counter[1];
  let c2 = counter[2];
  let c3 = counter[3];
  let k0 = key[0];
  let k1 = key[1];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + KEY_STEP_0) | 0;
    k1 = (k1 + KEY_STEP_1) | 0;
  }
  output[0] = c0;
  output[1] = c1;
  output[2] = c2;
  output[3] = c3;
}
