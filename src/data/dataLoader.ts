/**
 * DataLoader: batches of a dataset, epoch after epoch. Everything random follows from the seed, the epoch's number
 * and the sample's index, never from what was drawn before; so prefetching does not change anything, and a saved
 * position is a few numbers.
 */
import { QuantGradError, ValidationError } from '../errors.js';
import { checkOptions } from '../options.js';
import { Generator, type GeneratorState } from '../tensor/random.js';
import { type Collated, defaultCollate } from './collate.js';
import { checkDataset, type Dataset } from './dataset.js';
import { nextTurn } from './eventLoop.js';
import type { Transform } from './transformDataset.js';

export interface DataLoaderOptions<Sample, Transformed = Sample, Batch = Collated<Transformed>> {
  /** Samples in a batch, at least 1. Default: 1. */
  batchSize?: number;
  /** A new random order in every epoch. Default: false, the order of the dataset. */
  shuffle?: boolean;
  /** Seed of the order and of the transforms. Default: 0. */
  seed?: number;
  /** Leave out the last batch if it is smaller than the others. Default: false. */
  dropLast?: boolean;
  /** Applied to each sample. Its generator depends on the seed, the epoch and the sample's index. Default: none. */
  transform?: Transform<Sample, Transformed>;
  /** Makes a batch of samples. Default: `defaultCollate`. */
  collate?: (samples: Transformed[]) => Batch | Promise<Batch>;
  /** Number of batches that are fetched ahead, while earlier ones are used. Default: 0. */
  prefetch?: number;
  /** Instead of `seed`: a generator whose forks are used. Nothing is drawn from it. */
  generator?: Generator;
}

/** Where a loader stands: plain JSON. */
export interface DataLoaderState {
  readonly epoch: number;
  /** Number of batches of the epoch that were given out. */
  readonly batch: number;
  readonly generator: GeneratorState;
  /** What the order depends on besides: a position in other batches would mean other samples. */
  readonly samples: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
}

const OPTIONS = ['batchSize', 'shuffle', 'seed', 'dropLast', 'transform', 'collate', 'prefetch', 'generator'];

/** `for await (const [image, label] of loader)` runs through one epoch; each loop is the next epoch. */
export class DataLoader<Sample, Transformed = Sample, Batch = Collated<Transformed>> implements AsyncIterable<Batch> {
  readonly dataset: Dataset<Sample>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly prefetch: number;
  readonly #transform?: Transform<Sample, Transformed>;
  readonly #collate?: (samples: Transformed[]) => Batch | Promise<Batch>;
  #generator: Generator;
  #epoch = 0;
  #batch = 0;
  /** Whether the next loop goes on at the position instead of beginning an epoch. */
  #resume = true;
  /** The loop that moves the position: the latest one. */
  #loop: object | null = null;

  /** @throws ValidationError for something that is no dataset, and for unknown or impossible options */
  constructor(dataset: Dataset<Sample>, options: DataLoaderOptions<Sample, Transformed, Batch> = {}) {
    checkDataset('DataLoader', dataset);
    checkOptions('DataLoader', options, OPTIONS);
    const { batchSize = 1, shuffle = false, seed = 0, dropLast = false, prefetch = 0, generator } = options;
    checkWhole('batchSize', batchSize, 1);
    checkWhole('prefetch', prefetch, 0);
    for (const [name, value] of Object.entries({ shuffle, dropLast })) {
      if (typeof value !== 'boolean') throw invalid(name, value, 'true or false');
    }
    for (const name of ['transform', 'collate'] as const) {
      if (options[name] !== undefined && typeof options[name] !== 'function')
        throw invalid(name, options[name], 'a function');
    }
    if (generator !== undefined && !(generator instanceof Generator))
      throw invalid('generator', generator, 'a Generator');
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.prefetch = prefetch;
    this.#transform = options.transform;
    this.#collate = options.collate;
    this.#generator = generator ? new Generator().setState(generator.state()) : new Generator(seed);
  }

  /** Number of batches in an epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** The number of the present epoch, from 0: the one that a loop is in, or else the one that the next loop runs through. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Lets the next loop run through this epoch, from its beginning. */
  setEpoch(epoch: number): void {
    checkWhole('epoch', epoch, 0);
    this.#moveTo(epoch, 0);
  }

  /** The position: after the batch that the loop is at. */
  stateDict(): DataLoaderState {
    const { batchSize, shuffle, dropLast } = this;
    return {
      epoch: this.#epoch,
      batch: this.#batch,
      generator: this.#generator.state(),
      samples: this.dataset.length,
      batchSize,
      shuffle,
      dropLast,
    };
  }

  /**
   * Lets the next loop begin with the batch after the saved position, in the order of the saved seed. If the epoch
   * was at its end, that loop has no batches.
   *
   * @throws ValidationError `LOADER_STATE_MISMATCH` if the loader's batches are not those of the saved one
   */
  loadStateDict(state: DataLoaderState): void {
    const { batchSize, shuffle, dropLast } = this;
    const own = { samples: this.dataset.length, batchSize, shuffle, dropLast };
    for (const [name, value] of Object.entries(own)) {
      const saved = state?.[name as keyof typeof own];
      if (saved !== value) throw mismatch(`it was saved with ${name} ${saved}, this loader has ${value}`);
    }
    for (const [name, value, most] of [
      ['epoch', state.epoch, Number.MAX_SAFE_INTEGER],
      ['batch', state.batch, this.length],
    ] as const) {
      if (!Number.isSafeInteger(value) || value < 0 || value > most) throw mismatch(`${name} is ${value}`);
    }
    this.#generator = new Generator().setState(state.generator);
    this.#moveTo(state.epoch, state.batch);
  }

  #moveTo(epoch: number, batch: number): void {
    this.#epoch = epoch;
    this.#batch = batch;
    this.#resume = true;
    this.#loop = null;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    // A loop that was left early is not gone on with: as in PyTorch, the next one begins anew.
    if (!this.#resume && this.#batch > 0) this.#moveTo(this.#epoch + 1, 0);
    this.#resume = false;
    const loop = {};
    this.#loop = loop;
    const epoch = this.#epoch;
    const random = this.#generator.fork(epoch);
    const samples = this.dataset.length;
    const order = this.shuffle
      ? random.permutation(samples)
      : Int32Array.from({ length: samples }, (_, index) => index);
    const count = this.length;
    const queue: Promise<Batch>[] = [];
    let next = this.#batch;
    for (let batch = next; batch < count; batch++) {
      for (; next < count && next <= batch + this.prefetch; next++) {
        const fetched = this.#fetch(next, order.subarray(next * this.batchSize, (next + 1) * this.batchSize), random);
        // A failure is reported when its batch is due; until then it is not an unhandled one.
        fetched.catch(() => {});
        queue.push(fetched);
      }
      await nextTurn();
      const ready = await (queue.shift() as Promise<Batch>);
      if (this.#loop === loop) this.#batch = batch + 1;
      yield ready;
    }
    if (this.#loop === loop) {
      this.#moveTo(epoch + 1, 0);
    }
  }

  async #fetch(batch: number, indices: Int32Array, random: Generator): Promise<Batch> {
    const { dataset } = this;
    if (dataset.getBatch && !this.#transform && !this.#collate) {
      return this.#explain(`batch ${batch}`, { batch }, async () => dataset.getBatch?.(Array.from(indices)) as Batch);
    }
    const samples = await Promise.all(
      Array.from(indices, (index) =>
        this.#explain(`sample ${index}`, { index, batch }, () => this.#sample(index, random.fork(index))),
      ),
    );
    return this.#explain(`collating batch ${batch}`, { batch }, async () => {
      return this.#collate ? this.#collate(samples) : (defaultCollate(samples) as unknown as Batch);
    });
  }

  async #sample(index: number, random: Generator): Promise<Transformed> {
    const sample = await this.dataset.get(index, random);
    return this.#transform ? this.#transform(sample, random) : (sample as unknown as Transformed);
  }

  /** Says of which sample or batch an error is. */
  async #explain<T>(what: string, details: Record<string, unknown>, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new QuantGradError('SAMPLE_FAILED', `DataLoader: ${what} failed: ${reason}`, details, error);
    }
  }
}

function checkWhole(name: string, value: unknown, least: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw invalid(name, value, `a whole number of at least ${least}`);
}

const invalid = (name: string, value: unknown, range: string): ValidationError =>
  new ValidationError('INVALID_OPTION', `DataLoader: ${name} is ${String(value)}; it must be ${range}.`, {
    option: name,
    value,
  });

const mismatch = (what: string): ValidationError =>
  new ValidationError(
    'LOADER_STATE_MISMATCH',
    `DataLoader: the saved position does not fit: ${what}. Nothing was loaded.`,
  );
