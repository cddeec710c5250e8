/** Values, ties and errors of reductions. */
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import { DTypeError, ShapeError } from '../../../src/errors.js';
import { sum } from '../../../src/ops/movement/broadcast.js';
import { logSumExp } from '../../../src/ops/reduction/logSumExp.js';
import { max } from '../../../src/ops/reduction/max.js';
import { mean } from '../../../src/ops/reduction/mean.js';
import { min } from '../../../src/ops/reduction/min.js';
import { prod } from '../../../src/ops/reduction/prod.js';
import { argMax, argMin, topK } from '../../../src/ops/reduction/topK.js';
import { standardDeviation, variance } from '../../../src/ops/reduction/variance.js';
import { tensor, zeros } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const values = (x: Tensor | null): number[] => [...(x?.dataSync() ?? [])];
const MATRIX = [
  [1, 5, 2],
  [4, 0, 3],
];

describe('reductions', () => {
  const x = tensor(MATRIX);

  it.each([
    ['sum', sum, 15, [5, 5, 5], [8, 7]],
    ['mean', mean, 2.5, [2.5, 2.5, 2.5], [8 / 3, 7 / 3]],
    ['max', max, 5, [4, 5, 3], [5, 4]],
    ['min', min, 0, [1, 0, 2], [1, 0]],
    ['prod', prod, 0, [4, 0, 6], [10, 0]],
  ] as const)('%s over all, rows and columns', (_name, reduce, all, columns, rows) => {
    expect(reduce(x).shape).toEqual([]);
    expect(reduce(x).itemSync()).toBeCloseTo(all, 6);
    expect(values(reduce(x, 0))).toEqual(columns);
    expect(reduce(x, -1, true).shape).toEqual([2, 1]);
    for (const [index, value] of values(reduce(x, [1])).entries()) expect(value).toBeCloseTo(rows[index], 6);
  });

  it('reduces a scalar, and over no axes', () => {
    for (const axes of [undefined, 0, -1]) expect(mean(tensor(3), axes).itemSync()).toBe(3);
    expect(values(sum(x, []))).toEqual(MATRIX.flat());
    expect(sum(zeros([0, 2]), 0).dataSync()).toEqual(new Float32Array(2));
  });

  it('refuses axes and dtypes that make no sense', () => {
    expect(() => sum(x, 2)).toThrow(ShapeError);
    expect(() => mean(tensor([1], { dtype: 'int32' }))).toThrow(DTypeError);
    expect(() => max(zeros([0, 2]), 0)).toThrow(/no elements to choose from/);
    expect(() => max(tensor(true))).toThrow(DTypeError);
  });

  it('the gradient of max and min is shared by equal elements', () => {
    for (const reduce of [max, min]) {
      const ties = tensor([2, 2, 2, 2], { requiresGrad: true });
      backward(reduce(ties));
      expect(values(ties.grad)).toEqual([0.25, 0.25, 0.25, 0.25]);
    }
  });
});

describe('variance', () => {
  const x = tensor([1, 2, 3, 6], { dtype: 'float64' });

  it('is unbiased by default and biased without correction', () => {
    expect(variance(x).itemSync()).toBeCloseTo(14 / 3, 12);
    expect(variance(x, 0, { correction: 0, keepDims: true }).shape).toEqual([1]);
    expect(variance(x, 0, { correction: 0 }).itemSync()).toBeCloseTo(14 / 4, 12);
    expect(standardDeviation(x).itemSync()).toBeCloseTo(Math.sqrt(14 / 3), 12);
  });

  it('of one element is NaN, as in PyTorch', () => {
    expect(variance(tensor([1])).itemSync()).toBeNaN();
  });
});

describe('logSumExp', () => {
  it('does not overflow', () => {
    expect(logSumExp(tensor([1000, 1000])).itemSync()).toBeCloseTo(1000 + Math.LN2, 3);
    expect(logSumExp(tensor([[0, 0]]), 1, true).shape).toEqual([1, 1]);
  });

  it('takes infinities', () => {
    const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    expect(logSumExp(tensor([low, low])).itemSync()).toBe(low);
    expect(logSumExp(tensor([high, 1])).itemSync()).toBe(high);
  });
});

describe('topK', () => {
  it('gives the best first and the lower position of equals', () => {
    const { values: best, indices } = topK(tensor([1, 3, 3, 2]), 3);
    expect([values(best), values(indices), indices.dtype]).toEqual([[3, 3, 2], [1, 2, 3], 'int32']);
    expect(values(topK(tensor(MATRIX), 1, { axis: 0, largest: false }).indices)).toEqual([0, 1, 0]);
  });

  it('argMax and argMin', () => {
    const x = tensor(MATRIX);
    expect([argMax(x).shape, argMax(x).itemSync(), argMin(x).itemSync()]).toEqual([[], 1, 4]);
    expect(values(argMax(x, 1))).toEqual([1, 0]);
    expect(argMin(x, 0, true).shape).toEqual([1, 3]);
    expect(argMax(x, undefined, true).shape).toEqual([1, 1]);
  });

  it('refuses a count that does not fit', () => {
    expect(() => topK(tensor([1, 2]), 3)).toThrow(/k is 3/);
    expect(() => topK(tensor([1, 2]), 0)).toThrow(ShapeError);
    expect(() => topK(tensor(1), 1)).toThrow(ShapeError);
  });
});
