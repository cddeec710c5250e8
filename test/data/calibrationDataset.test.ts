import { describe, expect, it } from 'vitest';
import { ArrayDataset, CalibrationDataset, DataLoader } from '../../src/data/index.js';
import { ValidationError } from '../../src/errors.js';
import type { Tensor } from '../../src/tensor/tensor.js';

async function list<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

describe('CalibrationDataset', () => {
  it('gives items and, transformed, inputs, as often as asked', async () => {
    const dataset = new CalibrationDataset([1, 2, 3], async (item) => item * 10);
    for (let pass = 0; pass < 2; pass++) {
      expect(await list(dataset.getData())).toEqual([1, 2, 3]);
      expect(await list(dataset.getInferenceData())).toEqual([10, 20, 30]);
    }
    expect(await list(new CalibrationDataset(new Set([4, 5])).getInferenceData())).toEqual([4, 5]);
  });

  it('gives items by their numbers', async () => {
    const dataset = new CalibrationDataset([1, 2, 3, 4], (item) => -item);
    expect(await list(dataset.getData([0, 2]))).toEqual([1, 3]);
    expect(await list(dataset.getInferenceData([1, 3, 9]))).toEqual([-2, -4]);
    expect(await list(dataset.getData([]))).toEqual([]);
    for (const wrong of [[1, 1], [2, 1], [-1], [0.5]])
      await expect(list(dataset.getData(wrong))).rejects.toThrow(ValidationError);
  });

  it('knows length and batch size of a loader', async () => {
    const samples = Array.from({ length: 5 }, (_, index): [number, number] => [index / 2, index]);
    const loader = new DataLoader(new ArrayDataset(samples), { batchSize: 2 });
    const dataset = new CalibrationDataset(loader, ([image]) => image);
    expect([dataset.length, dataset.batchSize]).toEqual([3, 2]);
    const inputs: Tensor[] = await list(dataset.getInferenceData());
    expect(inputs.map((input) => Array.from(input.dataSync()))).toEqual([[0, 0.5], [1, 1.5], [2]]);
  });

  it('says null for what the source does not say', () => {
    expect([new CalibrationDataset(new Set([1])).length, new CalibrationDataset([1]).batchSize]).toEqual([1, null]);
    const endless = {
      *[Symbol.iterator]() {
        yield 1;
      },
    };
    expect(new CalibrationDataset(endless).length).toBeNull();
  });

  it('reads no further than it must', async () => {
    let read = 0;
    const source = {
      *[Symbol.iterator]() {
        while (true) yield read++;
      },
    };
    const dataset = new CalibrationDataset(source);
    expect(await list(dataset.getData([1, 2]))).toEqual([1, 2]);
    expect(read).toBe(3);
  });

  it('says so when a generator is read a second time', async () => {
    function* items() {
      yield 1;
    }
    const dataset = new CalibrationDataset(items());
    expect(await list(dataset.getData())).toEqual([1]);
    await expect(list(dataset.getInferenceData())).rejects.toThrow('can be read only once');
  });

  it('rejects what cannot be iterated, and transforms that are none', () => {
    expect(() => new CalibrationDataset(5 as never)).toThrow(ValidationError);
    expect(() => new CalibrationDataset(null as never)).toThrow(ValidationError);
    expect(() => new CalibrationDataset({} as never)).toThrow(ValidationError);
    expect(() => new CalibrationDataset([1], 'x' as never)).toThrow(ValidationError);
  });
});
