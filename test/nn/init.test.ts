import { describe, expect, it } from 'vitest';
import { DTypeError, ShapeError, ValidationError } from '../../src/errors.js';
import * as init from '../../src/nn/init.js';
import { zeros } from '../../src/tensor/create.js';
import { defaultGenerator, Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

interface Moments {
  mean: number;
  std: number;
  low: number;
  high: number;
}

function moments(tensor: Tensor): Moments {
  const values = Array.from(tensor.dataSync());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance), low: Math.min(...values), high: Math.max(...values) };
}

/** Checks mean and deviation to five standard errors, and the bounds; they must also nearly be reached. */
function expectUniform(tensor: Tensor, bound: number): void {
  const { mean, std, low, high } = moments(tensor);
  expect(Math.abs(mean)).toBeLessThan((5 * bound) / Math.sqrt(3 * tensor.size));
  expect(std).toBeCloseTo(bound / Math.sqrt(3), 2);
  expect(Math.abs(std / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.05);
  expect(low).toBeGreaterThanOrEqual(-bound * (1 + 1e-6));
  expect(high).toBeLessThanOrEqual(bound * (1 + 1e-6));
  expect(low).toBeLessThan(-0.98 * bound);
  expect(high).toBeGreaterThan(0.98 * bound);
}

function expectNormal(tensor: Tensor, deviation: number): void {
  const { mean, std, high } = moments(tensor);
  expect(Math.abs(mean)).toBeLessThan((5 * deviation) / Math.sqrt(tensor.size));
  expect(Math.abs(std / deviation - 1)).toBeLessThan(0.05);
  expect(high).toBeGreaterThan(2.5 * deviation);
}

const generator = () => new Generator(7);
const weights = () => zeros([32, 16, 3, 3]);

describe('init', () => {
  it('fills with a constant, zeros and ones', () => {
    expect(Array.from(init.constant_(zeros([3]), 2.5).dataSync())).toEqual([2.5, 2.5, 2.5]);
    expect(Array.from(init.ones_(zeros([2])).dataSync())).toEqual([1, 1]);
    expect(Array.from(init.zeros_(init.ones_(zeros([2]))).dataSync())).toEqual([0, 0]);
  });

  it('changes the tensor itself and returns it', () => {
    const tensor = zeros([3]);
    const version = tensor.version;
    expect(init.ones_(tensor)).toBe(tensor);
    expect(tensor.version).toBe(version + 1);
  });

  it('may change a leaf that requires a gradient, and keeps it a leaf', () => {
    const tensor = zeros([3], { requiresGrad: true });
    init.uniform_(tensor);
    expect(tensor.isLeaf && tensor.requiresGrad).toBe(true);
  });

  it('fills float64 tensors with float64 values', () => {
    const values = init.uniform_(zeros([64], { dtype: 'float64' })).dataSync();
    expect(values.some((value) => value !== Math.fround(value))).toBe(true);
  });

  it('draws uniformly between the bounds', () => {
    expectUniform(init.uniform_(zeros([4000]), -3, 3, { generator: generator() }), 3);
    const { low, high } = moments(init.uniform_(zeros([4000])));
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThan(1);
  });

  it('draws normally', () => {
    expectNormal(init.normal_(zeros([4000]), 0, 0.3, { generator: generator() }), 0.3);
    expect(moments(init.normal_(zeros([4000]), 5, 0.3, { generator: generator() })).mean).toBeCloseTo(5, 1);
  });

  it('cuts the normal distribution off', () => {
    const { mean, std, low, high } = moments(
      init.truncNormal_(zeros([4000]), { std: 2, low: -2, high: 2, generator: generator() }),
    );
    expect(low).toBeGreaterThanOrEqual(-2);
    expect(high).toBeLessThanOrEqual(2);
    expect(Math.abs(mean)).toBeLessThan(0.1);
    // One standard deviation to each side: the variance is 1 - 2 phi(1) / (2 Phi(1) - 1) = 0.291 of the uncut one.
    expect(std).toBeCloseTo(2 * Math.sqrt(0.2911), 1);
    expect(() => init.truncNormal_(zeros([1]), { low: 5, high: 6 })).toThrow(ValidationError);
  });

  it("has PyTorch's gains", () => {
    expect(init.calculateGain('relu')).toBe(Math.SQRT2);
    expect(init.calculateGain('tanh')).toBe(5 / 3);
    expect(init.calculateGain('leakyRelu')).toBeCloseTo(Math.sqrt(2 / (1 + 0.0001)), 12);
    expect(init.calculateGain('leakyRelu', 2)).toBeCloseTo(Math.sqrt(0.4), 12);
    expect(init.calculateGain('conv2d')).toBe(1);
    expect(() => init.calculateGain('gelu' as 'relu')).toThrow(/no gain for 'gelu'/);
  });

  it('counts fans over the kernel', () => {
    expect(init.calculateFanInAndFanOut(weights())).toEqual({ fanIn: 144, fanOut: 288 });
    expect(() => init.calculateFanInAndFanOut(zeros([3]))).toThrow(ShapeError);
  });

  it('initialises as Xavier', () => {
    expectUniform(init.xavierUniform_(weights(), { generator: generator() }), Math.sqrt(6 / (144 + 288)));
    expectUniform(init.xavierUniform_(weights(), { gain: 2, generator: generator() }), 2 * Math.sqrt(6 / (144 + 288)));
    expectNormal(init.xavierNormal_(weights(), { generator: generator() }), Math.sqrt(2 / (144 + 288)));
  });

  it('initialises as Kaiming', () => {
    expectUniform(init.kaimingUniform_(weights(), { generator: generator() }), Math.sqrt(6 / 144));
    expectUniform(init.kaimingUniform_(weights(), { a: Math.sqrt(5), generator: generator() }), 1 / Math.sqrt(144));
    expectNormal(
      init.kaimingNormal_(weights(), { mode: 'fanOut', nonlinearity: 'relu', generator: generator() }),
      Math.sqrt(2 / 288),
    );
    expectNormal(init.kaimingNormal_(weights(), { nonlinearity: 'tanh', generator: generator() }), 5 / 3 / 12);
  });

  it.each([
    [6, 4],
    [4, 6],
    [5, 5],
  ])('makes the shorter side of [%i, %i] orthonormal', (rows, columns) => {
    const values = init.orthogonal_(zeros([rows, columns], { dtype: 'float64' }), { gain: 3 }).dataSync();
    const at = (row: number, column: number) => values[row * columns + column];
    const short = Math.min(rows, columns);
    for (let i = 0; i < short; i++) {
      for (let j = 0; j < short; j++) {
        let product = 0;
        for (let k = 0; k < Math.max(rows, columns); k++) {
          product += rows < columns ? at(i, k) * at(j, k) : at(k, i) * at(k, j);
        }
        expect(product).toBeCloseTo(i === j ? 9 : 0, 12);
      }
    }
  });

  it('draws from the default generator, so that a seed repeats it', () => {
    manualSeed(3);
    const first = init.normal_(zeros([5])).dataSync();
    expect(init.normal_(zeros([5])).dataSync()).not.toEqual(first);
    manualSeed(3);
    expect(init.normal_(zeros([5])).dataSync()).toEqual(first);
  });

  it('leaves the default generator alone when given another', () => {
    const before = defaultGenerator().state();
    init.kaimingUniform_(weights(), { generator: generator() });
    expect(defaultGenerator().state()).toEqual(before);
  });

  it('rejects integer tensors, unknown options and unknown modes', () => {
    expect(() => init.uniform_(zeros([2], { dtype: 'int32' }))).toThrow(DTypeError);
    expect(() => init.xavierUniform_(weights(), { gian: 2 } as object)).toThrow(/Did you mean 'gain'/);
    expect(() => init.kaimingNormal_(weights(), { mode: 'fan_in' as 'fanIn' })).toThrow(/'fanIn' or 'fanOut'/);
  });
});
