import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrayDataset, randomSplit, Subset, TensorDataset, TransformDataset } from '../../src/data/index.js';
import { ShapeError, ValidationError } from '../../src/errors.js';
import { tensor, zeros } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';

const letters = new ArrayDataset(['a', 'b', 'c', 'd']);

describe('TensorDataset', () => {
  const dataset = new TensorDataset(
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    tensor([7, 8, 9], { dtype: 'int32' }),
    zeros([3, 0, 2]),
  );

  it('gives rows', () => {
    const [image, label, empty] = dataset.get(1);
    expect(dataset.length).toBe(3);
    expect([image.shape, Array.from(image.dataSync())]).toEqual([[2], [3, 4]]);
    expect([label.shape, label.dtype, label.itemSync()]).toEqual([[], 'int32', 8]);
    expect(empty.shape).toEqual([0, 2]);
  });

  it('gives several rows at once, repeated and in any order', () => {
    const [images, labels, empty] = dataset.getBatch([2, 0, 2]);
    expect([images.shape, Array.from(images.dataSync())]).toEqual([
      [3, 2],
      [5, 6, 1, 2, 5, 6],
    ]);
    expect([labels.dtype, Array.from(labels.dataSync())]).toEqual(['int32', [9, 7, 9]]);
    expect(empty.shape).toEqual([3, 0, 2]);
  });

  it('rejects tensors that do not go together, and wrong indices', () => {
    expect(() => new TensorDataset()).toThrow(ValidationError);
    expect(() => new TensorDataset([1] as never)).toThrow(ValidationError);
    expect(() => new TensorDataset(zeros([2]), zeros([3]))).toThrow(ShapeError);
    expect(() => new TensorDataset(zeros([]))).toThrow(ShapeError);
    for (const index of [-1, 3, 0.5, Number.NaN]) {
      expect(() => dataset.get(index)).toThrow('samples are 0 to 2');
      expect(() => dataset.getBatch([0, index])).toThrow(ValidationError);
    }
  });
});

describe('ArrayDataset', () => {
  it('gives items', () => {
    expect([letters.length, letters.get(2)]).toEqual([4, 'c']);
    expect(() => letters.get(4)).toThrow(ValidationError);
    expect(() => new ArrayDataset(3 as never)).toThrow(ValidationError);
    expect(() => new ArrayDataset([]).get(0)).toThrow('it is empty');
  });
});

describe('TransformDataset', () => {
  it('transforms on demand, with the generator it is given or the default one', async () => {
    const dataset = new TransformDataset(letters, (letter, generator) => `${letter}${generator.integer(0, 1000)}`);
    expect(dataset.length).toBe(4);
    expect(await dataset.get(1, new Generator(3))).toBe(`b${new Generator(3).integer(0, 1000)}`);
    const expected = `c${manualSeed(5).integer(0, 1000)}`;
    manualSeed(5);
    expect(await dataset.get(2)).toBe(expected);
    expect(() => new TransformDataset(letters, 3 as never)).toThrow(ValidationError);
    expect(() => new TransformDataset({} as never, (x) => x)).toThrow(ValidationError);
  });

  it('hands the generator on to the dataset inside', async () => {
    const inner = new TransformDataset(letters, (letter, generator) => `${letter}${generator.integer(0, 100)}`);
    const outer = new TransformDataset(
      new Subset(inner, [3]),
      (text, generator) => `${text}${generator.integer(0, 100)}`,
    );
    const generator = new Generator(1);
    expect(await outer.get(0, new Generator(1))).toBe(`d${generator.integer(0, 100)}${generator.integer(0, 100)}`);
  });
});

describe('Subset', () => {
  it('gives the chosen samples', () => {
    const subset = new Subset(letters, [3, 0, 3]);
    expect([subset.length, subset.get(0), subset.get(1), subset.get(2)]).toEqual([3, 'd', 'a', 'd']);
    expect(subset.getBatch).toBeUndefined();
    expect(() => subset.get(3)).toThrow(ValidationError);
    expect(() => new Subset(letters, [4])).toThrow('there is no sample 4');
  });

  it('of a dataset of batches has batches', async () => {
    const subset = new Subset(new TensorDataset(tensor([10, 20, 30])), [2, 1]);
    const batch = await subset.getBatch?.([1, 0]);
    expect(Array.from(batch?.[0].dataSync() ?? [])).toEqual([20, 30]);
    expect(() => subset.getBatch?.([2])).toThrow(ValidationError);
  });
});

describe('randomSplit', () => {
  const whole = (length: number) => new ArrayDataset(Array.from({ length }, (_, index) => index));

  it('has every sample in one part', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 5 }), fc.nat(), (lengths, seed) => {
        const total = lengths.reduce((sum, each) => sum + each, 0);
        const parts = randomSplit(whole(total), lengths, { seed });
        expect(parts.map((part) => part.length)).toEqual(lengths);
        const all = parts.flatMap(({ indices }) => [...indices]);
        expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, index) => index));
      }),
    );
  });

  it('takes fractions, as PyTorch does', () => {
    const lengths = (total: number, ...fractions: number[]) =>
      randomSplit(whole(total), fractions).map((part) => part.length);
    expect(lengths(10, 0.7, 0.3)).toEqual([7, 3]);
    expect(lengths(10, 0.33, 0.33, 0.34)).toEqual([4, 3, 3]);
    expect(lengths(7, 0.5, 0.5)).toEqual([4, 3]);
    expect(lengths(5, 0.2, 0.2, 0.2, 0.2, 0.2)).toEqual([1, 1, 1, 1, 1]);
    expect(lengths(9, 1)).toEqual([9]);
    expect(lengths(1, 1)).toEqual([1]);
  });

  it('depends on the seed, or draws from a generator', () => {
    const split = (options?: object) => randomSplit(whole(30), [30], options)[0].indices;
    expect(split()).toEqual(split({ seed: 0 }));
    expect(split({ seed: 1 })).not.toEqual(split());
    expect(split({ generator: new Generator(1) })).toEqual(split({ seed: 1 }));
  });

  it.each([[[3]], [[]], [[2, 1.5]], [[-1, 5]], [[0.5, 0.4]], [[Number.NaN]], ['x' as never]])(
    'rejects the lengths %j',
    (lengths) => {
      expect(() => randomSplit(letters, lengths)).toThrow(ValidationError);
    },
  );

  it('rejects unknown options', () => {
    expect(() => randomSplit(letters, [4], { sead: 1 } as never)).toThrow("Did you mean 'seed'?");
  });
});
