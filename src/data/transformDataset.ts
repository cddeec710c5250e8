/** A dataset seen through a function. */
import { ValidationError } from '../errors.js';
import { defaultGenerator, type Generator } from '../tensor/random.js';
import { checkDataset, type Dataset } from './dataset.js';

/** Turns a sample into another one, at once or later. Random choices are drawn from `generator`. */
export type Transform<Sample, Result> = (sample: Sample, generator: Generator) => Result | Promise<Result>;

/** Sample i is the transform of the dataset's sample i, computed each time it is asked for. */
export class TransformDataset<Sample, Result> implements Dataset<Result> {
  readonly dataset: Dataset<Sample>;
  readonly transform: Transform<Sample, Result>;

  constructor(dataset: Dataset<Sample>, transform: Transform<Sample, Result>) {
    checkDataset('TransformDataset', dataset);
    if (typeof transform !== 'function') {
      throw new ValidationError(
        'NOT_A_FUNCTION',
        'TransformDataset: the transform must be a function of a sample and a generator.',
      );
    }
    this.dataset = dataset;
    this.transform = transform;
  }

  get length(): number {
    return this.dataset.length;
  }

  /** @param generator What the transform draws from. Default: the generator that `manualSeed` seeds. */
  async get(index: number, generator: Generator = defaultGenerator()): Promise<Result> {
    return this.transform(await this.dataset.get(index, generator), generator);
  }
}
