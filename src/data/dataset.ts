/** What a dataset is: numbered samples. Anything with `length` and `get(index)` is one. */
import { ValidationError } from '../errors.js';
import type { Generator } from '../tensor/random.js';
import type { Collated } from './collate.js';

/**
 * A dataset with random access. A sample is anything; the default collation of `DataLoader` takes tensors, typed
 * arrays, numbers and booleans, and arrays or plain objects of them, such as `[image, label]`.
 */
export interface Dataset<Sample = unknown> {
  /** Number of samples. */
  readonly length: number;
  /**
   * A sample by its index from 0, at once or later.
   *
   * @param generator The loader's random generator of this sample in this epoch, for random augmentation.
   */
  get(index: number, generator?: Generator): Sample | Promise<Sample>;
  /**
   * Several samples, already collated as `DataLoader` does by default. Optional: a faster way for datasets that
   * hold their samples together, used where no transform and no collation of the user's own come between.
   */
  getBatch?(indices: readonly number[]): Collated<Sample> | Promise<Collated<Sample>>;
}

/** @throws ValidationError `INDEX_OUT_OF_RANGE` */
export function checkIndex(where: string, index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length) {
    throw new ValidationError(
      'INDEX_OUT_OF_RANGE',
      `${where}: there is no sample ${index}; ${length === 0 ? 'it is empty' : `samples are 0 to ${length - 1}`}.`,
      {
        index,
        length,
      },
    );
  }
}

/** @throws ValidationError `NOT_A_DATASET` */
export function checkDataset(where: string, dataset: unknown): void {
  const { length, get } = (dataset ?? {}) as { length?: unknown; get?: unknown };
  if (typeof get === 'function' && Number.isSafeInteger(length) && (length as number) >= 0) return;
  const advice = Array.isArray(dataset) ? ' Wrap the array: new ArrayDataset(samples).' : '';
  throw new ValidationError(
    'NOT_A_DATASET',
    `${where}: a dataset needs a length (a whole number) and a method get(index).${advice}`,
  );
}
