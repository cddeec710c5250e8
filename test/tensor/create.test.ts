/** Ways to make tensors. */
import { describe, expect, it } from 'vitest';
import { DTypeError, QuantGradError, ShapeError } from '../../src/errors.js';
import type { Backend } from '../../src/kernels/contract.js';
import type { DType } from '../../src/kernels/dtype.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { defaultBackend, referenceBackend } from '../../src/tensor/backend.js';
import {
  arange,
  fromValues,
  full,
  ones,
  rand,
  randint,
  randn,
  scalarLike,
  tensor,
  zeros,
} from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { NestedArray, Tensor } from '../../src/tensor/tensor.js';

const values = (x: Tensor): number[] => [...x.dataSync()];

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof QuantGradError) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('tensor', () => {
  it.each<[string, NestedArray | boolean, number[], DType]>([
    ['a number', 3, [], 'float32'],
    ['a truth value', true, [], 'bool'],
    ['a list', [1, 2], [2], 'float32'],
    ['nested lists', [[[1, 2, 3]], [[4, 5, 6]]], [2, 1, 3], 'float32'],
    ['nothing', [], [0], 'float32'],
    ['empty rows', [[], []], [2, 0], 'float32'],
  ])('of %s', (_name, given, shape, dtype) => {
    const x = tensor(given);
    expect([x.shape, x.dtype, x.requiresGrad]).toEqual([shape, dtype, false]);
    expect(values(x)).toEqual([given].flat(5).map(Number));
  });

  it.each([
    [new Float32Array([1.5]), 'float32'],
    [new Float64Array([1.5]), 'float64'],
    [new Int32Array([-1]), 'int32'],
    [new Int8Array([-1]), 'int8'],
    [new Uint8Array([255]), 'uint8'],
  ] as const)('of a typed array takes its type and copies it: %o', (given, dtype) => {
    const x = tensor(given);
    const before = given[0];
    given[0] = 7;
    expect([x.dtype, x.shape, values(x)]).toEqual([dtype, [1], [before]]);
  });

  it('takes options', () => {
    expect(values(tensor([0, 2, -1], { dtype: 'bool' }))).toEqual([0, 1, 1]);
    expect(tensor(new Float32Array(6), { shape: [2, 3] }).shape).toEqual([2, 3]);
    expect(tensor([1.7, -1.7], { dtype: 'int32' }).dtype).toBe('int32');
    expect(tensor([1], { requiresGrad: true }).requiresGrad).toBe(true);
    expect(tensor([1, 2, 3, 4], { shape: [2, 2] }).shape).toEqual([2, 2]);
  });

  it('refuses ragged lists, strangers, and shapes that do not fit', () => {
    expect(codeOf(() => tensor([[1, 2], [3]]))).toBe('RAGGED');
    expect(() => tensor([[1, 2], [3]])).toThrow(/different lengths: \[2\] and \[1\]/);
    expect(codeOf(() => tensor([1, [2]]))).toBe('RAGGED');
    expect(codeOf(() => tensor(['1'] as unknown as number[]))).toBe('NOT_NUMBERS');
    expect(codeOf(() => tensor([1, 2, 3], { shape: [2, 2] }))).toBe('VALUES_MISMATCH');
    expect(codeOf(() => tensor([1], { shape: [-1] }))).toBe('INVALID_SHAPE');
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrow(DTypeError);
  });
});

describe('filled tensors', () => {
  it('zeros, ones, full and scalarLike', () => {
    expect(values(zeros([2, 2]))).toEqual([0, 0, 0, 0]);
    expect(values(ones([2], { dtype: 'int8' }))).toEqual([1, 1]);
    expect(values(full([2], 5, { dtype: 'bool' }))).toEqual([1, 1]);
    expect(zeros([0, 3]).size).toBe(0);
    expect(() => zeros([2, -1])).toThrow(ShapeError);
    expect(() => zeros([1.5])).toThrow(/whole number/);
    const scalar = scalarLike(ones([2], { dtype: 'float64' }), 0.1);
    expect([scalar.shape, scalar.dtype, scalar.itemSync()]).toEqual([[], 'float64', 0.1]);
  });

  it('arange counts', () => {
    expect(values(arange(3))).toEqual([0, 1, 2]);
    expect(values(arange(1, 2, 0.25))).toEqual([1, 1.25, 1.5, 1.75]);
    expect(values(arange(3, 0, -2, { dtype: 'int32' }))).toEqual([3, 1]);
    expect(arange(2, 1).shape).toEqual([0]);
  });
});

describe('random tensors', () => {
  it('follow the seed', () => {
    const draw = (): number[] => [...values(rand([3])), ...values(randn([3])), ...values(randint(0, 100, [3]))];
    manualSeed(7);
    const first = draw();
    manualSeed(7);
    expect(draw()).toEqual(first);
    expect(values(rand([4], { generator: new Generator(1) }))).toEqual(
      values(rand([4], { generator: new Generator(1) })),
    );
  });

  it('lie in their ranges', () => {
    const generator = new Generator(3);
    expect(values(rand([1000], { generator })).every((x) => x >= 0 && x < 1)).toBe(true);
    const whole = randint(-2, 3, [1000], { generator });
    expect(whole.dtype).toBe('int32');
    expect(new Set(values(whole))).toEqual(new Set([-2, -1, 0, 1, 2]));
    expect(randn([2], { dtype: 'float64', generator }).dtype).toBe('float64');
  });
});

describe('backends', () => {
  it('new tensors live on the default backend, or on the one that they are given', () => {
    const other = new ReferenceBackend();
    expect(ones([1]).backend).toBe(defaultBackend());
    expect(ones([1], { backend: other }).backend).toBe(other);
  });

  it('a dtype that the backend lacks is refused', () => {
    const narrow: Backend = Object.assign(Object.create(referenceBackend()), {
      name: 'narrow',
      supportsDType: (dtype: DType) => dtype === 'float32',
    });
    expect(codeOf(() => fromValues(new Float64Array(1), [1], 'float64', { backend: narrow }))).toBe(
      'DTYPE_UNSUPPORTED',
    );
  });
});
