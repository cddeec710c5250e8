/** A dataset of samples in an array. */
import { ValidationError } from '../errors.js';
import { checkIndex, type Dataset } from './dataset.js';

/** Sample i is item i of an array. */
export class ArrayDataset<Sample> implements Dataset<Sample> {
  readonly samples: readonly Sample[];

  constructor(samples: readonly Sample[]) {
    if (!Array.isArray(samples)) {
      throw new ValidationError(
        'NOT_AN_ARRAY',
        'ArrayDataset: give an array of samples, such as new ArrayDataset([[image, label], ...]).',
      );
    }
    this.samples = samples;
  }

  get length(): number {
    return this.samples.length;
  }

  get(index: number): Sample {
    checkIndex('ArrayDataset', index, this.length);
    return this.samples[index];
  }
}
