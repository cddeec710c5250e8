/** Parts of a dataset. */
import { ValidationError } from '../errors.js';
import { checkOptions } from '../options.js';
import { Generator } from '../tensor/random.js';
import type { Collated } from './collate.js';
import { checkDataset, checkIndex, type Dataset } from './dataset.js';

/** Sample i is sample `indices[i]` of another dataset. */
export class Subset<Sample> implements Dataset<Sample> {
  readonly dataset: Dataset<Sample>;
  readonly indices: readonly number[];
  /** Present if the dataset has it. */
  readonly getBatch?: (indices: readonly number[]) => Collated<Sample> | Promise<Collated<Sample>>;

  /** @throws ValidationError `INDEX_OUT_OF_RANGE` for an index that the dataset does not have */
  constructor(dataset: Dataset<Sample>, indices: Iterable<number>) {
    checkDataset('Subset', dataset);
    this.dataset = dataset;
    this.indices = [...indices];
    for (const index of this.indices) checkIndex('Subset', index, dataset.length);
    if (dataset.getBatch)
      this.getBatch = (positions) =>
        (dataset.getBatch as NonNullable<typeof dataset.getBatch>)(positions.map((position) => this.#at(position)));
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number, generator?: Generator): Sample | Promise<Sample> {
    return this.dataset.get(this.#at(index), generator);
  }

  #at(index: number): number {
    checkIndex('Subset', index, this.length);
    return this.indices[index];
  }
}

export interface RandomSplitOptions {
  /** Seed of the order. Default: 0. */
  seed?: number;
  /** Draws the order instead of a seed. */
  generator?: Generator;
}

/**
 * Splits a dataset at random into parts that do not overlap.
 *
 * @param lengths Numbers of samples that sum to the dataset's, or fractions that sum to 1. Fractions are rounded
 *   down; the samples left over go to the parts one by one from the first, as in PyTorch.
 * @throws ValidationError `SPLIT_LENGTHS`
 */
export function randomSplit<Sample>(
  dataset: Dataset<Sample>,
  lengths: readonly number[],
  options: RandomSplitOptions = {},
): Subset<Sample>[] {
  checkDataset('randomSplit', dataset);
  checkOptions('randomSplit', options, ['seed', 'generator']);
  const { seed = 0, generator = new Generator(seed) } = options;
  const counts = splitCounts(lengths, dataset.length);
  const order = generator.permutation(dataset.length);
  let start = 0;
  return counts.map((count) => {
    const part = new Subset(dataset, order.subarray(start, start + count));
    start += count;
    return part;
  });
}

function splitCounts(lengths: readonly number[], total: number): number[] {
  const fail = (): never => {
    throw new ValidationError(
      'SPLIT_LENGTHS',
      `randomSplit: the lengths ${JSON.stringify(lengths)} must be whole numbers that sum to the ${total} samples of the dataset, or fractions that sum to 1.`,
      { lengths, total },
    );
  };
  if (!Array.isArray(lengths) || lengths.length === 0 || !lengths.every((each) => Number.isFinite(each) && each >= 0))
    return fail();
  const sum = lengths.reduce((all, each) => all + each, 0);
  if (lengths.every(Number.isInteger) && sum === total) return [...lengths];
  if (Math.abs(sum - 1) > 1e-9 || lengths.some((each) => each > 1)) return fail();
  // A fraction such as 0.7 * 10 must not lose a sample to the rounding of its product.
  const counts = lengths.map((fraction) => Math.floor(fraction * total + 1e-9));
  let rest = total - counts.reduce((all, each) => all + each, 0);
  for (let index = 0; rest > 0; index = (index + 1) % counts.length, rest--) counts[index]++;
  return counts;
}
