/** Batch and layer normalization, softmax and dropout: values, state, shapes and errors. */
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import { BATCH_NORM_INFERENCE, batchNorm } from '../../../src/ops/neural/batchNorm.js';
import { DROPOUT, dropout } from '../../../src/ops/neural/dropout.js';
import { embedding } from '../../../src/ops/neural/embedding.js';
import { linear } from '../../../src/ops/neural/linear.js';
import { LOG_SOFTMAX, logSoftmax } from '../../../src/ops/neural/logSoftmax.js';
import { MATMUL } from '../../../src/ops/neural/matMul.js';
import { layerNorm, MVN, mvn } from '../../../src/ops/neural/mvn.js';
import { SOFTMAX, softmax } from '../../../src/ops/neural/softmax.js';
import { full, ones, tensor, zeros } from '../../../src/tensor/create.js';
import { Generator, manualSeed } from '../../../src/tensor/random.js';
import { DYNAMIC } from '../../../src/tensor/shape.js';

const type = (shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('batchNorm', () => {
  it('moves the running statistics by the momentum, the variance unbiased', () => {
    const [mean, variance] = [tensor([10]), tensor([4])];
    const x = tensor([1, 2, 3, 6], { shape: [4, 1] });
    batchNorm(x, mean, variance, ones([1]), zeros([1]), { training: true, momentum: 0.5 });
    // Of the batch: mean 3, biased variance 3.5, unbiased 14 / 3.
    expect(mean.dataSync()[0]).toBeCloseTo(6.5, 6);
    expect(variance.dataSync()[0]).toBeCloseTo((4 + 14 / 3) / 2, 6);
  });

  it('uses the running statistics otherwise, and leaves them alone', () => {
    const [mean, variance] = [tensor([1]), tensor([4])];
    const y = batchNorm(tensor([[3], [1]]), mean, variance, tensor([2]), tensor([10]), { epsilon: 0 });
    expect(Array.from(y.dataSync())).toEqual([12, 10]);
    expect([mean.version, variance.version]).toEqual([0, 0]);
  });

  it('names both shapes, and asks for more than one value per channel', () => {
    const channel = zeros([2]);
    expect(() => batchNorm(zeros([4, 3]), channel, channel, channel, channel)).toThrow(/\[4, 3\].*\[2\]/);
    expect(() => batchNorm(zeros([1, 2]), channel, channel, channel, channel, { training: true })).toThrow(/\[1, 2\]/);
    const parameters = [type([3]), type([3]), type([3]), type([3])];
    const attributes = { epsilon: 1e-5, momentum: 0.1 };
    expect(BATCH_NORM_INFERENCE.infer([type([DYNAMIC, 3, DYNAMIC, 2]), ...parameters], attributes)).toEqual([
      type([DYNAMIC, 3, DYNAMIC, 2]),
    ]);
  });
});

describe('layerNorm', () => {
  it('has mean 0 and variance 1 before scale and offset', () => {
    const y = mvn(tensor([[1, 2, 3, 6]]), 1, 0);
    const deviation = Math.sqrt(3.5);
    [-2, -1, 0, 3].forEach((value, index) => {
      expect(y.dataSync()[index]).toBeCloseTo(value / deviation, 6);
    });
    const scaled = layerNorm(tensor([[1, 3]]), 2, tensor([2, 2]), tensor([5, 5]), 0);
    expect(Array.from(scaled.dataSync())).toEqual([3, 7]);
  });

  it('names both shapes', () => {
    expect(() => layerNorm(zeros([2, 3]), [4])).toThrow(/\[2, 3\].*\[4\]/);
    expect(() => layerNorm(zeros([2, 3]), [3], zeros([2]))).toThrow(/\[2\].*\[3\]/);
    expect(() => layerNorm(zeros([3]), [2, 3])).toThrow(/\[3\].*\[2, 3\]/);
    expect(MVN.infer([type([DYNAMIC, 3])], { axes: [1], epsilon: 1e-5 })).toEqual([type([DYNAMIC, 3])]);
  });
});

describe('softmax', () => {
  it('neither overflows nor loses small differences', () => {
    const x = tensor([
      [1000, 1001],
      [-1000, -1000],
    ]);
    const y = softmax(x).dataSync();
    expect(y[0]).toBeCloseTo(1 / (1 + Math.E), 6);
    expect([y[2], y[3]]).toEqual([0.5, 0.5]);
    expect(logSoftmax(x).dataSync()[1]).toBeCloseTo(-Math.log(1 + Math.exp(-1)), 6);
    expect(logSoftmax(tensor([0, -200])).dataSync()[1]).toBe(-200);
  });

  it('checks the axis and keeps dynamic extents', () => {
    expect(() => softmax(zeros([2, 3]), 2)).toThrow(/axis 2/);
    expect(() => logSoftmax(zeros([2], { dtype: 'int32' }))).toThrow(/int32/);
    expect(SOFTMAX.infer([type([DYNAMIC, 3])], { axis: 1 })).toEqual([type([DYNAMIC, 3])]);
    expect(LOG_SOFTMAX.infer([type([DYNAMIC, 3])], { axis: 0 })).toEqual([type([DYNAMIC, 3])]);
  });
});

describe('linear', () => {
  it('multiplies by the transposed weight and adds the bias', () => {
    const y = linear(
      tensor([[1, 2]]),
      tensor([
        [3, 4],
        [5, 6],
        [7, 8],
      ]),
      tensor([100, 200, 300]),
    );
    expect(Array.from(y.dataSync())).toEqual([111, 217, 323]);
  });

  it('names both shapes', () => {
    expect(() => linear(zeros([2, 3]), zeros([4, 5]))).toThrow(/\[2, 3\].*\[4, 5\]/);
    expect(() => linear(zeros([2, 3]), zeros([4, 3]), zeros([3]))).toThrow(/\[3\].*\[4, 3\]/);
    expect(() => linear(zeros([2, 3]), zeros([3]))).toThrow(/\[3\]/);
    expect(MATMUL.infer([type([DYNAMIC, 3]), type([4, 3])], { transposeA: false, transposeB: true })).toEqual([
      type([DYNAMIC, 4]),
    ]);
  });
});

describe('embedding', () => {
  it('picks rows, and adds up the gradients of a row picked twice', () => {
    const weight = tensor(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      { requiresGrad: true },
    );
    const y = embedding(
      tensor(
        [
          [2, 0],
          [2, 2],
        ],
        { dtype: 'int32' },
      ),
      weight,
    );
    expect(y.shape).toEqual([2, 2, 2]);
    expect(Array.from(y.dataSync())).toEqual([5, 6, 1, 2, 5, 6, 5, 6]);
    backward(y, { gradient: ones([2, 2, 2]) });
    expect(Array.from(weight.grad?.dataSync() ?? [])).toEqual([1, 1, 0, 0, 3, 3]);
    expect(() => embedding(zeros([2]), weight)).toThrow(/float32/);
    expect(() => embedding(tensor([0], { dtype: 'int32' }), zeros([3]))).toThrow(/\[3\]/);
  });
});

describe('dropout', () => {
  it('drops the share it is told and scales the rest, as the same seed repeats', () => {
    const x = full([100, 100], 3);
    const y = dropout(x, 0.25, { generator: new Generator(5) }).dataSync();
    const kept = y.filter((value) => value !== 0);
    expect(kept.length / y.length).toBeCloseTo(0.75, 1);
    expect(kept.every((value) => Math.abs(value - 4) < 1e-6)).toBe(true);
    expect(dropout(x, 0.25, { generator: new Generator(5) }).dataSync()).toEqual(y);
    manualSeed(5);
    expect(dropout(x, 0.25).dataSync()).toEqual(y);
  });

  it('gives the gradient the same mask', () => {
    const x = ones([50], { requiresGrad: true });
    const y = dropout(x, 0.5, { generator: new Generator(1) });
    backward(y, { gradient: ones([50]) });
    expect(x.grad?.dataSync()).toEqual(y.dataSync());
  });

  it('is the identity outside of training, and zero for probability 1', () => {
    const x = ones([3]);
    expect(dropout(x, 0.5, { training: false })).toBe(x);
    expect(dropout(x, 0)).toBe(x);
    expect(Array.from(dropout(x, 1).dataSync())).toEqual([0, 0, 0]);
    expect(() => dropout(x, 1.5)).toThrow(/1.5/);
    expect(DROPOUT.infer([type([DYNAMIC, 2])], { probability: 0.5 })).toEqual([type([DYNAMIC, 2])]);
  });
});
