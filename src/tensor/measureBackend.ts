/**
 * How long a backend takes for a matrix product, what `init({ backend: 'auto' })` compares. The result is checked: a GPU
 * with a faulty driver or with half precision is fast too.
 */
import type { Backend, Storage, TensorType } from '../kernels/contract.js';

/** Rows and columns: 0.27 GFLOP, which is more work than starting it, and 20 ms where it is slow. */
export const SIDE = 512;
/** Entries are multiples of 1/128 in [-1, 1), so every sum of products is exact in float32, in any order, and in nothing smaller. */
const SCALE = 128;
/** Elements that are checked; a prime stride spreads them over rows and columns. */
const CHECKED = 61;
const STRIDE = 4297;
/** Products between two reads: a step of training reads one number after hundreds of kernels. */
const PRODUCTS = 4;
const MOST_ROUNDS = 8;

export interface MeasureOptions {
  /** Milliseconds until the backend is given up, and twice what it is measured for. Default: 1000. */
  readonly limit?: number;
  /** Milliseconds of a clock. Default: `performance.now`. */
  readonly now?: () => number;
}

/** Milliseconds of a product, or why there is no measurement, as the end of a sentence. */
export type Measurement = { readonly milliseconds: number } | { readonly failed: string };

const matrix = (seed: number): Float32Array => {
  let state = seed;
  return Float32Array.from({ length: SIDE * SIDE }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 24) - SCALE) / SCALE;
  });
};

/** Whether the checked elements of a product are exact. */
function isProduct(result: ArrayLike<number>, a: Float32Array, b: Float32Array): boolean {
  if (result.length !== SIDE * SIDE) return false;
  for (let check = 0; check < CHECKED; check++) {
    const element = check * STRIDE;
    const [row, column] = [Math.floor(element / SIDE), element % SIDE];
    let sum = 0;
    for (let k = 0; k < SIDE; k++) sum += a[row * SIDE + k] * b[k * SIDE + column];
    if (result[element] !== sum) return false;
  }
  return true;
}

/**
 * Measures a product of two float32 matrices [512, 512], after one that compiles the kernel and is checked. Gives the best of
 * up to eight rounds. Never throws and, where the backend computes asynchronously, never waits much longer than the limit.
 */
export async function measureBackend(backend: Backend, options: MeasureOptions = {}): Promise<Measurement> {
  const { limit = 1000, now = () => performance.now() } = options;
  const type: TensorType = { shape: [SIDE, SIDE], dtype: 'float32' };
  const attributes = { transposeA: false, transposeB: false };
  const [a, b] = [matrix(1), matrix(2)];
  const storages: Storage[] = [];
  const late = `it took longer than ${limit} ms`;
  const begin = now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), limit);
  });
  try {
    const operands = [a, b].map((values) => {
      storages.push(backend.upload(values.slice(), 'float32'));
      return { ...type, storage: storages[storages.length - 1] };
    });
    /** Computes products and reads the last. */
    const compute = async (products: number): Promise<ArrayLike<number> | null> => {
      for (let product = 0; product < products; product++) {
        storages.push(...backend.run('matMul', operands, attributes, [type]));
      }
      const [last, ...others] = storages.splice(2).reverse();
      for (const other of others) backend.release?.(other);
      const reading = backend.read(last).finally(() => backend.release?.(last));
      // Should it be given up, its end is nobody's concern.
      reading.catch(() => undefined);
      return Promise.race([reading, expired]);
    };
    const first = await compute(1);
    if (first === null) return { failed: late };
    if (!isProduct(first, a, b)) return { failed: 'its result was wrong' };
    const warmUp = now() - begin;
    if (warmUp > limit) return { failed: late };
    const products = warmUp * PRODUCTS > limit / 2 ? 1 : PRODUCTS;
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < MOST_ROUNDS && (round === 0 || now() - begin < limit / 2); round++) {
      const start = now();
      if ((await compute(products)) === null) break;
      best = Math.min(best, (now() - start) / products);
    }
    return best === Number.POSITIVE_INFINITY ? { failed: late } : { milliseconds: best };
  } catch (error) {
    return { failed: `it failed (${error instanceof Error ? error.message : String(error)})` };
  } finally {
    clearTimeout(timer);
    for (const storage of storages) backend.release?.(storage);
  }
}
