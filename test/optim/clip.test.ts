import { describe, expect, it } from 'vitest';
import { backward } from '../../src/autograd/index.js';
import { BackendError, ValidationError } from '../../src/errors.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { add } from '../../src/ops/elementwise/add.js';
import { clipGradNorm, clipGradValue } from '../../src/optim/index.js';
import { tensor, zeros } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { type ClippingVectors, difference, readVectors } from './oracle/vectors.js';

const vectors = readVectors<ClippingVectors>('clipping');

const parameters = (): Tensor[] =>
  vectors.gradients.map((numbers, index) => {
    const shape = vectors.shapes[index];
    const parameter = zeros(shape, { requiresGrad: true });
    parameter.grad = tensor(Float32Array.from(numbers), { shape });
    return parameter;
  });

const gradient = (value: Tensor): ArrayLike<number> => value.grad?.dataSync() ?? [];

describe('clipGradNorm', () => {
  it.each(vectors.norm)(
    'agrees with PyTorch: maximum $maxNorm of norm $normType',
    ({ maxNorm, normType, total, clipped }) => {
      const list = parameters();
      const norm = clipGradNorm([...list, zeros([2], { requiresGrad: true })], maxNorm, {
        normType: normType === 'inf' ? Number.POSITIVE_INFINITY : normType,
      });
      expect(norm.shape).toEqual([]);
      expect(difference(norm.dataSync(), [total])).toBeLessThan(1e-6);
      list.forEach((parameter, index) => {
        expect(difference(gradient(parameter), clipped[index])).toBeLessThan(1e-6);
      });
    },
  );

  it('scales a gradient that two parameters share once for each', () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
    backward(add(a, b));
    expect(a.grad).not.toBeNull();
    clipGradNorm([a, b], 0.5);
    expect(gradient(a)[0]).toBeCloseTo(0.5 / Math.SQRT2, 5);
    expect(gradient(b)[0]).toBeCloseTo(0.5 / Math.SQRT2, 5);
  });

  it('counts a parameter that is listed twice once', () => {
    const a = tensor([3], { requiresGrad: true });
    a.grad = tensor([4]);
    expect(clipGradNorm([a, a], 2).itemSync()).toBe(4);
    expect(gradient(a)[0]).toBeCloseTo(2, 5);
  });

  it('is 0 without gradients; takes one tensor, empty ones and float64', () => {
    expect(clipGradNorm([], 1).itemSync()).toBe(0);
    expect(clipGradNorm(zeros([3], { requiresGrad: true }), 1).itemSync()).toBe(0);
    const [empty, precise] = [
      zeros([0, 2], { requiresGrad: true }),
      zeros([1], { dtype: 'float64', requiresGrad: true }),
    ];
    empty.grad = zeros([0, 2]);
    precise.grad = tensor([10], { dtype: 'float64' });
    expect(clipGradNorm([empty, precise], 1, { normType: Number.POSITIVE_INFINITY }).itemSync()).toBe(10);
    expect(precise.grad?.dtype).toBe('float64');
    expect(gradient(precise)[0]).toBeCloseTo(1, 6);
    expect(empty.grad?.shape).toEqual([0, 2]);
  });

  it('a gradient that is not a number shows in the norm', () => {
    const a = zeros([2], { requiresGrad: true });
    a.grad = tensor([Number.NaN, 1]);
    expect(clipGradNorm([a], 1).itemSync()).toBeNaN();
    expect([...Array.from(gradient(a))]).toEqual([Number.NaN, Number.NaN]);
  });

  it('rejects what makes no sense', () => {
    expect(() => clipGradNorm(parameters(), -1)).toThrow(ValidationError);
    expect(() => clipGradNorm(parameters(), Number.NaN)).toThrow(ValidationError);
    expect(() => clipGradNorm(parameters(), 1, { normType: 0 })).toThrow('normType is 0');
    expect(() => clipGradNorm(parameters(), 1, { normtype: 2 } as never)).toThrow("Did you mean 'normType'?");
    expect(() => clipGradNorm([1 as never], 1)).toThrow('item 0 is 1, not a tensor');
    const [a, b] = parameters();
    b.grad = zeros([5], { backend: new ReferenceBackend() });
    expect(() => clipGradNorm([a, b], 1)).toThrow(BackendError);
  });
});

describe('clipGradValue', () => {
  it('agrees with PyTorch', () => {
    const list = parameters();
    clipGradValue(list, vectors.value.clipValue);
    list.forEach((parameter, index) => {
      expect(difference(gradient(parameter), vectors.value.clipped[index].map(Math.fround))).toBe(0);
    });
  });

  it('rejects a negative limit', () => {
    expect(() => clipGradValue(parameters(), -1)).toThrow(ValidationError);
  });
});
