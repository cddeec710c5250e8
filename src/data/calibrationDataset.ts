/** CalibrationDataset: a data source and how to get the model's inputs from its items (NNCF's Dataset). */
import { ValidationError } from '../errors.js';

type AnyIterable<Item> = AsyncIterable<Item> | Iterable<Item>;

const isIterator = (source: object): boolean => 'next' in source && typeof source.next === 'function';

export class CalibrationDataset<Item, Input = Item> {
  readonly source: AnyIterable<Item>;
  readonly #transform?: (item: Item) => Input | Promise<Input>;
  #used = false;

  /**
   * @param source A `DataLoader`, an array, or any other iterable, of batches or of single samples.
   * @param transform Gives the model's input (a tensor, or an array of them for several inputs) from an item.
   *   Default: the item itself.
   * @throws ValidationError `NOT_ITERABLE`
   */
  constructor(source: AnyIterable<Item>, transform?: (item: Item) => Input | Promise<Input>) {
    if (
      typeof source !== 'object' ||
      source === null ||
      !(Symbol.asyncIterator in source || Symbol.iterator in source)
    ) {
      throw new ValidationError(
        'NOT_ITERABLE',
        'CalibrationDataset: the source must be iterable, such as a DataLoader or an array of inputs.',
      );
    }
    if (transform !== undefined && typeof transform !== 'function') {
      throw new ValidationError(
        'NOT_A_FUNCTION',
        'CalibrationDataset: the transform must be a function from an item to the model’s input.',
      );
    }
    this.source = source;
    this.#transform = transform;
  }

  /** Number of items, or null if the source does not say. */
  get length(): number | null {
    const { length, size } = this.source as { length?: unknown; size?: unknown };
    return [length, size].find((each): each is number => Number.isSafeInteger(each)) ?? null;
  }

  /** Samples in an item, or null if the source does not say. */
  get batchSize(): number | null {
    const { batchSize } = this.source as { batchSize?: unknown };
    return typeof batchSize === 'number' ? batchSize : null;
  }

  /**
   * The items of the source.
   *
   * @param indices Numbers of the items wanted, from 0 and rising. Default: all.
   * @throws ValidationError if the source is an iterator that was read before, or the indices do not rise
   */
  async *getData(indices?: Iterable<number>): AsyncGenerator<Item, void, undefined> {
    const wanted = indices === undefined ? null : rising(indices);
    if (wanted?.length === 0) return;
    if (isIterator(this.source)) {
      if (this.#used) {
        throw new ValidationError(
          'SOURCE_USED_UP',
          'CalibrationDataset: its source is a generator or iterator, which can be read only once. Give an array, a DataLoader or another source that can be read again.',
        );
      }
      this.#used = true;
    }
    let position = 0;
    let taken = 0;
    for await (const item of this.source) {
      if (wanted === null || wanted[taken] === position) {
        yield item;
        taken++;
        if (taken === wanted?.length) return;
      }
      position++;
    }
  }

  /** The model's inputs: the items, transformed. Arguments and errors are those of `getData`. */
  async *getInferenceData(indices?: Iterable<number>): AsyncGenerator<Input, void, undefined> {
    for await (const item of this.getData(indices)) {
      yield this.#transform ? await this.#transform(item) : (item as unknown as Input);
    }
  }
}

function rising(indices: Iterable<number>): number[] {
  const list = [...indices];
  list.forEach((index, position) => {
    if (!Number.isSafeInteger(index) || index < 0 || index <= list[position - 1]) {
      throw new ValidationError(
        'INDICES_NOT_RISING',
        `CalibrationDataset: the indices must be whole numbers from 0 that rise; ${index} stands at position ${position}.`,
        {
          index,
          position,
        },
      );
    }
  });
  return list;
}
