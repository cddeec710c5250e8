/**
 * Seeded random numbers that are the same on every platform and whose state can be saved, so that an
 * experiment can be repeated and a restored training run continues bit for bit.
 */
import { ValidationError } from '../errors.js';
import { upperNormalQuantile } from './normalQuantile.js';
import { philox } from './philox.js';

/** Where a generator stands; plain data that survives JSON. */
export interface GeneratorState {
  readonly algorithm: 'philox4x32-10';
  /** Two unsigned 32-bit words. */
  readonly key: readonly number[];
  /** Four unsigned 32-bit words, the least significant first: the block that the next word comes from. */
  readonly counter: readonly number[];
  /** How many of the block's four words have been drawn, 0 to 3. */
  readonly position: number;
}

const ALGORITHM = 'philox4x32-10';
const WORD = 2 ** 32;
/** Uppermost counter word of the blocks that become keys of forks; no stream is long enough to reach it. */
const FORK_DOMAIN = 0xffffffff;

function splitWords(value: number, name: string): [number, number] {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ValidationError(
      'BAD_SEED',
      `The ${name} of a random generator is ${value}; give an integer from 0 to ${Number.MAX_SAFE_INTEGER}.`,
      { [name]: value },
    );
  }
  return [value % WORD, Math.floor(value / WORD)];
}

const isWord = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < WORD;
const areWords = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) && value.length === length && value.every(isWord);

/**
 * A stream of random numbers: Philox 4x32-10 in counter mode (sources in `philox.ts`). Equal seeds give
 * equal numbers, whatever the machine or engine.
 */
export class Generator {
  readonly #key = new Uint32Array(2);
  readonly #counter = new Uint32Array(4);
  readonly #block = new Uint32Array(4);
  #position = 0;

  /**
   * @param seed an integer from 0 to 2**53 - 1; default 0
   * @throws ValidationError `BAD_SEED`
   */
  constructor(seed = 0) {
    this.seed(seed);
  }

  /** Starts the stream of a seed from its beginning. */
  seed(seed: number): this {
    this.#key.set(splitWords(seed, 'seed'));
    this.#counter.fill(0);
    this.#position = 0;
    return this;
  }

  /** 32 random bits as an unsigned integer. */
  uint32(): number {
    const position = this.#position;
    if (position === 0) philox(this.#counter, this.#key, this.#block);
    this.#position = (position + 1) & 3;
    if (position === 3) this.#advance();
    return this.#block[position];
  }

  #advance(): void {
    for (let word = 0; word < 4; word++) {
      this.#counter[word] += 1;
      if (this.#counter[word] !== 0) return;
    }
  }

  #uint53(): number {
    const high = this.uint32() >>> 5;
    return high * 2 ** 26 + (this.uint32() >>> 6);
  }

  /** A number in [0, 1) with 24 random bits, exact in float32. */
  uniform(): number {
    return (this.uint32() >>> 8) * 2 ** -24;
  }

  /** A number in [0, 1) with 53 random bits. */
  uniformDouble(): number {
    return this.#uint53() * 2 ** -53;
  }

  /** A number of the standard normal distribution, by its quantile at a probability of 53 random bits. */
  normal(): number {
    const high = this.uint32();
    // Sign and tail apart, so that the distribution is exactly symmetric and never infinite.
    const tail = ((high & 0xfffff) * WORD + this.uint32() + 0.5) * 2 ** -53;
    return high >>> 31 === 0 ? upperNormalQuantile(tail) : -upperNormalQuantile(tail);
  }

  /**
   * An integer in [low, high), each equally likely.
   *
   * @throws ValidationError `EMPTY_RANGE` unless both are safe integers and 0 < high - low <= 2**53
   */
  integer(low: number, high: number): number {
    const range = high - low;
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || range <= 0 || range > 2 ** 53) {
      throw new ValidationError(
        'EMPTY_RANGE',
        `There is no integer to draw in [${low}, ${high}); give integers with low < high.`,
        { low, high },
      );
    }
    // What lies above the last whole multiple of the range would favour small results: draw again.
    const wide = range > WORD;
    const total = wide ? 2 ** 53 : WORD;
    const limit = total - (total % range);
    for (;;) {
      const value = wide ? this.#uint53() : this.uint32();
      if (value < limit) return low + (value % range);
    }
  }

  /**
   * True with the given probability, to within 2**-32.
   *
   * @throws ValidationError `BAD_PROBABILITY` outside of [0, 1]
   */
  bernoulli(probability: number): boolean {
    checkProbability(probability);
    return this.uint32() < probability * WORD;
  }

  /**
   * The integers 0 to `length` - 1 in random order, every order equally likely (Fisher-Yates).
   *
   * @throws ValidationError `BAD_LENGTH`
   */
  permutation(length: number): Int32Array {
    if (!Number.isInteger(length) || length < 0 || length >= 2 ** 31) {
      throw new ValidationError(
        'BAD_LENGTH',
        `A permutation of ${length} elements; give an integer from 0 to 2**31 - 1.`,
        {
          length,
        },
      );
    }
    const order = Int32Array.from({ length }, (_, index) => index);
    for (let last = length - 1; last > 0; last--) {
      const other = this.integer(0, last + 1);
      const value = order[last];
      order[last] = order[other];
      order[other] = value;
    }
    return order;
  }

  /**
   * Fills an array with numbers between `low` (included) and `high`: 24 random bits each in a Float32Array,
   * 53 in a Float64Array. Where `high - low` is tiny beside `low`, rounding can give `high` itself.
   *
   * @throws ValidationError `BAD_RANGE` unless low <= high, both finite
   */
  fillUniform<T extends Float32Array | Float64Array>(array: T, low = 0, high = 1): T {
    if (!Number.isFinite(low) || !Number.isFinite(high - low) || low > high) {
      throw new ValidationError('BAD_RANGE', `The uniform range [${low}, ${high}) is not finite with low <= high.`, {
        low,
        high,
      });
    }
    const range = high - low;
    const double = array instanceof Float64Array;
    for (let index = 0; index < array.length; index++) {
      array[index] = low + range * (double ? this.uniformDouble() : this.uniform());
    }
    return array;
  }

  /**
   * Fills an array with numbers of the normal distribution.
   *
   * @throws ValidationError `BAD_STANDARD_DEVIATION` unless `mean` is finite and `standardDeviation` finite and not negative
   */
  fillNormal<T extends Float32Array | Float64Array>(array: T, mean = 0, standardDeviation = 1): T {
    if (!Number.isFinite(mean) || !Number.isFinite(standardDeviation) || standardDeviation < 0) {
      throw new ValidationError(
        'BAD_STANDARD_DEVIATION',
        `A normal distribution of mean ${mean} and standard deviation ${standardDeviation}; ` +
          'give a finite mean and a finite deviation of at least 0.',
        { mean, standardDeviation },
      );
    }
    for (let index = 0; index < array.length; index++) array[index] = mean + standardDeviation * this.normal();
    return array;
  }

  /**
   * Fills an array with ones (with the given probability) and zeros.
   *
   * @throws ValidationError `BAD_PROBABILITY` outside of [0, 1]
   */
  fillBernoulli<T extends Float32Array | Float64Array | Uint8Array>(array: T, probability: number): T {
    checkProbability(probability);
    const limit = probability * WORD;
    for (let index = 0; index < array.length; index++) array[index] = this.uint32() < limit ? 1 : 0;
    return array;
  }

  /**
   * A generator of its own for each `stream` number. It depends on this generator's seed and the number,
   * not on how much has been drawn, so that a stream per worker, epoch or sample needs no order.
   *
   * @param stream an integer from 0 to 2**53 - 1
   * @throws ValidationError `BAD_SEED`
   */
  fork(stream: number): Generator {
    const words = new Uint32Array(4);
    philox([...splitWords(stream, 'stream'), 0, FORK_DOMAIN], this.#key, words);
    const forked = new Generator();
    forked.#key.set(words.subarray(0, 2));
    return forked;
  }

  /** Where the generator stands; `setState` returns to it. */
  state(): GeneratorState {
    return {
      algorithm: ALGORITHM,
      key: Array.from(this.#key),
      counter: Array.from(this.#counter),
      position: this.#position,
    };
  }

  /**
   * Continues where a saved state stood.
   *
   * @throws ValidationError `BAD_GENERATOR_STATE`; the generator is unchanged then
   */
  setState(state: GeneratorState): this {
    const { algorithm, key, counter, position } = state;
    const wrong =
      algorithm !== ALGORITHM
        ? `algorithm is ${JSON.stringify(algorithm)}, not "${ALGORITHM}"`
        : !areWords(key, 2)
          ? 'key is not two unsigned 32-bit integers'
          : !areWords(counter, 4)
            ? 'counter is not four unsigned 32-bit integers'
            : ![0, 1, 2, 3].includes(position)
              ? `position is ${position}, not 0, 1, 2 or 3`
              : undefined;
    if (wrong !== undefined) {
      throw new ValidationError(
        'BAD_GENERATOR_STATE',
        `This is no state of a random generator: ${wrong}. Give what state() returned.`,
      );
    }
    this.#key.set(key);
    this.#counter.set(counter);
    this.#position = position;
    if (position !== 0) philox(this.#counter, this.#key, this.#block);
    return this;
  }
}

function checkProbability(probability: number): void {
  if (!(probability >= 0 && probability <= 1)) {
    throw new ValidationError('BAD_PROBABILITY', `The probability is ${probability}; it must be from 0 to 1.`, {
      probability,
    });
  }
}

const DEFAULT_GENERATOR = new Generator(0);

/** The generator that initialisers, dropout and loaders draw from unless they are given their own. Starts with seed 0. */
export const defaultGenerator = (): Generator => DEFAULT_GENERATOR;

/** Seeds the default generator, as `torch.manual_seed` does. */
export function manualSeed(seed: number): Generator {
  return DEFAULT_GENERATOR.seed(seed);
}
