import { describe, expect, it } from 'vitest';
import { defaultCollate } from '../../src/data/index.js';
import { BackendError, DTypeError, ShapeError, ValidationError } from '../../src/errors.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { full, tensor, zeros } from '../../src/tensor/create.js';
import { Tensor } from '../../src/tensor/tensor.js';

const read = (value: unknown): unknown => {
  const result = value as Tensor;
  expect(result).toBeInstanceOf(Tensor);
  return [result.dtype, result.shape, Array.from(result.dataSync())];
};

describe('defaultCollate', () => {
  it('stacks tensors of any rank and dtype', () => {
    expect(read(defaultCollate([tensor([[1, 2]]), tensor([[3, 4]])]))).toEqual(['float32', [2, 1, 2], [1, 2, 3, 4]]);
    expect(read(defaultCollate([full([], 5, { dtype: 'int8' }), full([], 6, { dtype: 'int8' })]))).toEqual([
      'int8',
      [2],
      [5, 6],
    ]);
    expect(read(defaultCollate([tensor([1, 2])]))).toEqual(['float32', [1, 2], [1, 2]]);
    expect(read(defaultCollate([zeros([0, 3]), zeros([0, 3])]))).toEqual(['float32', [2, 0, 3], []]);
  });

  it('gives a batch without gradient history', () => {
    expect(defaultCollate([zeros([2], { requiresGrad: true })]).requiresGrad).toBe(false);
  });

  it('stacks typed arrays, copied', () => {
    const first = Uint8Array.of(1, 2);
    const batch = defaultCollate([first, Uint8Array.of(3, 4)]);
    first[0] = 9;
    expect(read(batch)).toEqual(['uint8', [2, 2], [1, 2, 3, 4]]);
    expect(read(defaultCollate([Float64Array.of(1.5)]))).toEqual(['float64', [1, 1], [1.5]]);
  });

  it('stacks whole numbers as int32 and others as float32', () => {
    expect(read(defaultCollate([3, -1, 2147483647]))).toEqual(['int32', [3], [3, -1, 2147483647]]);
    expect(read(defaultCollate([1, 2.5]))).toEqual(['float32', [2], [1, 2.5]]);
    expect(read(defaultCollate([1, 2 ** 31]))).toEqual(['float32', [2], [1, 2 ** 31]]);
    expect(read(defaultCollate([1, Number.NaN]))).toEqual(['float32', [2], [1, Number.NaN]]);
    expect(read(defaultCollate([true, false]))).toEqual(['bool', [2], [1, 0]]);
  });

  it('keeps the structure of arrays and objects', () => {
    const samples: [Tensor, { label: number; weights: number[] }][] = [
      [tensor([1]), { label: 1, weights: [0.5, 1] }],
      [tensor([2]), { weights: [1.5, 2], label: 0 }],
    ];
    const [images, { label, weights }] = defaultCollate(samples);
    expect(read(images)).toEqual(['float32', [2, 1], [1, 2]]);
    expect(read(label)).toEqual(['int32', [2], [1, 0]]);
    expect(weights.map(read)).toEqual([
      ['float32', [2], [0.5, 1.5]],
      ['int32', [2], [1, 2]],
    ]);
  });

  it.each<[string, unknown[], new (...values: never[]) => Error, string]>([
    ['nothing', [], ValidationError, 'no samples'],
    ['strings', ['a'], ValidationError, "a sample is the string 'a', which cannot become a tensor"],
    ['null in a part', [[1, null]], ValidationError, 'part [1] of a sample is null'],
    ['a class', [{ when: new Date(0) }], ValidationError, 'part when of a sample is a Date'],
    ['a function', [() => 1], ValidationError, 'cannot become a tensor'],
    [
      'mixed kinds',
      [1, true],
      ValidationError,
      'a sample is a number in the first sample of the batch, but true in sample 1',
    ],
    ['lengths of arrays', [[1, 2], [1]], ValidationError, 'an array of 2 in the first sample'],
    ['names of objects', [{ a: 1 }, { b: 1 }], ValidationError, 'an object with a in the first'],
    ['shapes', [zeros([2]), zeros([3])], ShapeError, 'sample 1 of the batch has shape [3]'],
    ['dtypes', [zeros([2]), zeros([2], { dtype: 'int32' })], DTypeError, 'is int32'],
    ['backends', [zeros([2]), zeros([2], { backend: new ReferenceBackend() })], BackendError, 'on reference'],
    [
      'array lengths',
      [Float32Array.of(1), Float32Array.of(1, 2)],
      ShapeError,
      'Float32Array of 2 elements in sample 1',
    ],
    ['array types', [Float32Array.of(1), Int32Array.of(1)], ShapeError, 'Int32Array of 1 elements in sample 1'],
  ])('rejects %s', (_, samples, error, message) => {
    expect(() => defaultCollate(samples)).toThrow(error);
    expect(() => defaultCollate(samples)).toThrow(message);
  });
});
