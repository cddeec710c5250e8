/** Losses: hand-computed values, edge cases and errors; PyTorch's values are checked in test/ops/oracle. */
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import { bceWithLogits } from '../../../src/ops/loss/bceWithLogits.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import { huberLoss, smoothL1Loss } from '../../../src/ops/loss/huberLoss.js';
import { klDivergence } from '../../../src/ops/loss/klDivergence.js';
import { l1Loss } from '../../../src/ops/loss/l1Loss.js';
import { mseLoss } from '../../../src/ops/loss/mseLoss.js';
import { nllLoss } from '../../../src/ops/loss/nllLoss.js';
import { tensor, zeros } from '../../../src/tensor/create.js';

const labels = (...values: number[]) => tensor(values, { dtype: 'int32' });

describe('crossEntropy', () => {
  it('is log C for equal scores', () => {
    expect(crossEntropy(zeros([2, 4]), labels(0, 3)).itemSync()).toBeCloseTo(Math.log(4), 6);
    expect(crossEntropy(zeros([2, 4]), labels(0, 3), { labelSmoothing: 0.3 }).itemSync()).toBeCloseTo(Math.log(4), 6);
  });

  it('stays finite for confident scores', () => {
    const logits = tensor([[1e4, -1e4]], { requiresGrad: true });
    const loss = crossEntropy(logits, labels(1));
    expect(loss.itemSync()).toBe(2e4);
    backward(loss);
    expect(Array.from(logits.grad?.dataSync() ?? [])).toEqual([1, -1]);
  });

  it('leaves out ignored targets; a mean over none of them is NaN, as in PyTorch', () => {
    const logits = tensor(
      [
        [1, 2],
        [5, 1],
      ],
      { requiresGrad: true },
    );
    const loss = crossEntropy(logits, labels(0, -100));
    expect(loss.itemSync()).toBeCloseTo(Math.log(1 + Math.E), 6);
    backward(loss);
    expect(Array.from(logits.grad?.dataSync() ?? []).slice(2)).toEqual([0, 0]);
    expect(crossEntropy(logits, labels(-100, -100)).itemSync()).toBeNaN();
    expect(Array.from(crossEntropy(logits, labels(-100, -100), { reduction: 'none' }).dataSync(), Math.abs)).toEqual([
      0, 0,
    ]);
  });

  it('takes labels of any integer dtype, and one-hot probabilities as labels', () => {
    const logits = tensor([
      [1, 2, 3],
      [0, 5, 1],
    ]);
    const expected = crossEntropy(logits, labels(2, 0)).itemSync();
    expect(crossEntropy(logits, tensor(new Uint8Array([2, 0]))).itemSync()).toBe(expected);
    expect(
      crossEntropy(
        logits,
        tensor([
          [0, 0, 1],
          [1, 0, 0],
        ]),
      ).itemSync(),
    ).toBeCloseTo(expected, 6);
  });

  it('names what does not fit', () => {
    const logits = zeros([2, 3]);
    expect(() => crossEntropy(logits, labels(0, 1, 2))).toThrow(/\[2, 3\].*\[2\].*\[3\]/);
    expect(() => crossEntropy(logits, labels(0, 3))).toThrow(/target 1 is class 3.*3 classes/);
    expect(() => crossEntropy(logits, labels(-1, 0))).toThrow(/target 0 is class -1/);
    expect(() => crossEntropy(logits, zeros([2, 4]))).toThrow(/\[2, 3\].*\[2, 4\]/);
    expect(() => crossEntropy(logits, labels(0, 1), { weight: zeros([2]) })).toThrow(/\[2\].*3 classes/);
    expect(() => crossEntropy(logits, labels(0, 1), { labelSmoothing: 2 })).toThrow(/labelSmoothing is 2/);
    expect(() => crossEntropy(logits, labels(0, 1), { reduction: 'avg' as 'mean' })).toThrow(/'avg'/);
    expect(() => crossEntropy(logits, labels(0, 1), { smoothing: 0.1 } as object)).toThrow(/'smoothing'/);
    expect(() => nllLoss(logits, tensor([true, false] as unknown as number[], { dtype: 'bool' }))).toThrow(/bool/);
  });
});

describe('losses of two tensors', () => {
  const [a, b] = [tensor([1, 2, 3, 4]), tensor([1, 0, 6, 4.5])];

  it('are what their formulas say', () => {
    expect(mseLoss(a, b).itemSync()).toBeCloseTo((4 + 9 + 0.25) / 4, 6);
    expect(l1Loss(a, b, { reduction: 'sum' }).itemSync()).toBeCloseTo(5.5, 6);
    expect(Array.from(huberLoss(a, b, { delta: 2, reduction: 'none' }).dataSync())).toEqual([0, 2, 4, 0.125]);
    expect(Array.from(smoothL1Loss(a, b, { beta: 2, reduction: 'none' }).dataSync())).toEqual([0, 1, 2, 0.0625]);
    expect(smoothL1Loss(a, b, { beta: 0 }).itemSync()).toBe(l1Loss(a, b).itemSync());
  });

  it('do not broadcast', () => {
    for (const loss of [mseLoss, l1Loss, huberLoss, smoothL1Loss, bceWithLogits, klDivergence]) {
      expect(() => loss(zeros([4, 1]), zeros([4]))).toThrow(/\[4, 1\].*\[4\]/);
      expect(() => loss(zeros([4]), labels(1, 2, 3, 4))).toThrow(/int32/);
    }
  });
});

describe('bceWithLogits', () => {
  it('keeps small losses of confident logits', () => {
    const x = tensor([30, -30, 500, -500], { dtype: 'float64' });
    const loss = bceWithLogits(x, tensor([1, 0, 0, 1], { dtype: 'float64' }), { reduction: 'none' }).dataSync();
    expect(loss[0]).toBeCloseTo(Math.log1p(Math.exp(-30)), 20);
    expect(loss[1]).toBeCloseTo(Math.log1p(Math.exp(-30)), 20);
    expect([loss[2], loss[3]]).toEqual([500, 500]);
  });
});

describe('klDivergence', () => {
  it('is zero between equal distributions and ignores impossible outcomes', () => {
    const target = tensor([[0.5, 0.5, 0]], { requiresGrad: true });
    const input = tensor([[Math.log(0.5), Math.log(0.5), -50]]);
    const loss = klDivergence(input, target, { reduction: 'batchmean' });
    expect(loss.itemSync()).toBeCloseTo(0, 6);
    backward(loss);
    expect(Array.from(target.grad?.dataSync() ?? []).every(Number.isFinite)).toBe(true);
    expect(() => klDivergence(zeros([]), zeros([]), { reduction: 'batchmean' })).toThrow(/batch axis/);
  });
});
