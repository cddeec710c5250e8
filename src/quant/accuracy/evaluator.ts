/**
 * Validation of a model, over a whole dataset or some of its items (NNCF: `accuracy_control/evaluator.py`). A validation
 * function that works on one item gives the value of each item; for one that does not, models are compared by their
 * outputs.
 */
import { noGrad } from '../../autograd/gradMode.js';
import { CalibrationDataset } from '../../data/calibrationDataset.js';
import { nextTurn } from '../../data/eventLoop.js';
import { ValidationError } from '../../errors.js';
import type { Module } from '../../nn/module.js';
import { flattenOutputs } from '../../nn/structure.js';
import { Tensor } from '../../tensor/tensor.js';

/** A metric, of which more is better, or with it the metric of each item. */
export type ValidationResult = number | { readonly metric: number; readonly values?: readonly number[] };

/** Validates a model on items of the validation data, as their source has them. */
export type ValidationFunction<Item> = (
  model: Module,
  items: AsyncIterable<Item>,
) => ValidationResult | Promise<ValidationResult>;

/** Validation data: a `CalibrationDataset` (whose transform gives the model's inputs), an array, a `DataLoader`. */
export type ValidationSource<Item> = CalibrationDataset<Item, unknown> | AsyncIterable<Item> | Iterable<Item>;

export const toDataset = <Item>(source: ValidationSource<Item>): CalibrationDataset<Item, unknown> =>
  source instanceof CalibrationDataset ? source : new CalibrationDataset<Item, unknown>(source);

/** What the items of a dataset give: metrics, or outputs. */
export type ItemValues = readonly number[] | readonly (readonly ArrayLike<number>[])[];

export interface Evaluation {
  readonly metric: number;
  readonly values: ItemValues;
}

export class Evaluator<Item> {
  readonly #validate: ValidationFunction<Item>;
  readonly #dataset: CalibrationDataset<Item, unknown>;
  #metricMode: boolean | null = null;

  constructor(validate: ValidationFunction<Item>, dataset: CalibrationDataset<Item, unknown>) {
    this.#validate = validate;
    this.#dataset = dataset;
  }

  /** Whether items are compared by their metric; else by the model's outputs. */
  get metricMode(): boolean {
    return this.#metricMode === true;
  }

  /** The metric of the model. Without `indices`: on all items. */
  async metric(model: Module, indices?: readonly number[]): Promise<number> {
    return (await this.#run(model, this.#dataset.getData(indices))).metric;
  }

  /** The metric on all items, and the value of each. */
  async evaluate(model: Module): Promise<Evaluation> {
    this.#metricMode ??= await this.#findMode(model);
    const { metric, values } = await this.#run(model, this.#dataset.getData());
    return { metric, values: (this.metricMode && values) || (await this.values(model)) };
  }

  /** The value of each of the items: its metric, or the model's outputs. */
  async values(model: Module, indices?: readonly number[]): Promise<ItemValues> {
    if (this.metricMode) {
      const metrics: number[] = [];
      for await (const item of this.#dataset.getData(indices))
        metrics.push((await this.#run(model, only(item))).metric);
      return metrics;
    }
    const outputs: ArrayLike<number>[][] = [];
    for await (const input of this.#dataset.getInferenceData(indices)) {
      const tensors = outputsOf(model, input, outputs.length);
      outputs.push(await Promise.all(tensors.map((tensor) => tensor.data())));
      await nextTurn();
    }
    return outputs;
  }

  async #findMode(model: Module): Promise<boolean> {
    for await (const item of this.#dataset.getData([0])) {
      try {
        await this.#run(model, only(item));
        return true;
      } catch {
        // What is wrong with the function itself shows when it gets all items.
        return false;
      }
    }
    throw new ValidationError('VALIDATION_EMPTY', 'The validation data is empty. Give at least one item.');
  }

  async #run(model: Module, items: AsyncIterable<Item>): Promise<{ metric: number; values?: readonly number[] }> {
    const result = await this.#validate(model, items);
    const { metric, values } = typeof result === 'number' ? { metric: result, values: undefined } : (result ?? {});
    if (typeof metric !== 'number' || Number.isNaN(metric)) {
      throw new ValidationError(
        'VALIDATION_RESULT',
        `The validation function returned ${String(metric)}. It must return a number of which more is better, or { metric, values }.`,
      );
    }
    return { metric, values };
  }
}

/** @throws ValidationError `VALIDATION_ITEM` for what the model cannot take. */
function outputsOf(model: Module, input: unknown, item: number): Tensor[] {
  const fail = (what: string, cause?: unknown): never => {
    throw new ValidationError(
      'VALIDATION_ITEM',
      `The validation function does not work on a single item, so models are compared by their outputs; but ${what}. ` +
        "Wrap the data in new CalibrationDataset(loader, ([image]) => image) with a function that picks the model's inputs, or let the validation function take any number of items.",
      { item },
      cause,
    );
  };
  const inputs: unknown[] = Array.isArray(input) ? input : [input];
  if (!inputs.every((each) => each instanceof Tensor))
    fail(`validation item ${item} is not a tensor or an array of tensors`);
  try {
    return flattenOutputs(noGrad(() => model.forward(...(inputs as Tensor[])))).tensors;
  } catch (error) {
    return fail(`the model does not take validation item ${item}: ${(error as Error).message}`, error);
  }
}

async function* only<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
}

/** How far approximate values are from the reference, item by item: the loss of metric, or the normalised squared error. */
export function itemErrors(reference: ItemValues, approximate: ItemValues): number[] {
  return reference.map((value, index) => {
    const other = approximate[index];
    return typeof value === 'number' ? value - (other as number) : normalizedError(value, other as typeof value);
  });
}

/** Mean over outputs of |reference - approximate|^2 / |reference|^2. */
function normalizedError(reference: readonly ArrayLike<number>[], approximate: readonly ArrayLike<number>[]): number {
  const errors = reference.map((expected, output) => {
    let [error, size] = [0, 0];
    for (let index = 0; index < expected.length; index++) {
      error += (expected[index] - approximate[output][index]) ** 2;
      size += expected[index] ** 2;
    }
    return error === 0 ? 0 : error / size;
  });
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}

/** Numbers of the items with the largest errors, rising. */
export function worstItems(errors: readonly number[], count: number): number[] {
  const order = errors.map((_, index) => index).sort((a, b) => errors[b] - errors[a] || b - a);
  return order.slice(0, count).sort((a, b) => a - b);
}
