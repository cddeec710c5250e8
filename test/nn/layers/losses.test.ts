import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/errors.js';
import * as nn from '../../../src/nn/index.js';
import { bceWithLogits } from '../../../src/ops/loss/bceWithLogits.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import { huberLoss, smoothL1Loss } from '../../../src/ops/loss/huberLoss.js';
import { klDivergence } from '../../../src/ops/loss/klDivergence.js';
import { nllLoss } from '../../../src/ops/loss/nllLoss.js';
import { tensor } from '../../../src/tensor/create.js';
import { data, errorOf, expectSame } from '../models.js';

const logits = data([4, 3]);
const other = data([4, 3], 2);
const labels = tensor([2, 0, 1, 1], { dtype: 'int32' });
const weight = tensor([1, 2, 0.5]);
const probabilities = other.sigmoid();

describe('losses', () => {
  it('compute what their functions do, with the options they were made with', () => {
    expectSame(new nn.CrossEntropyLoss().forward(logits, labels), crossEntropy(logits, labels));
    const smooth = { weight, labelSmoothing: 0.1, ignoreIndex: 2, reduction: 'sum' } as const;
    expectSame(new nn.CrossEntropyLoss(smooth).forward(logits, labels), crossEntropy(logits, labels, smooth));
    expectSame(new nn.NLLLoss({ weight }).forward(logits, labels), nllLoss(logits, labels, { weight }));
    expectSame(new nn.MSELoss().forward(logits, other), logits.sub(other).square().mean());
    expectSame(new nn.MSELoss({ reduction: 'none' }).forward(logits, other), logits.sub(other).square());
    expectSame(new nn.L1Loss({ reduction: 'sum' }).forward(logits, other), logits.sub(other).abs().sum());
    const beta = { beta: 0.3 };
    expectSame(new nn.SmoothL1Loss(beta).forward(logits, other), smoothL1Loss(logits, other, beta));
    const delta = { delta: 0.3 };
    expectSame(new nn.HuberLoss(delta).forward(logits, other), huberLoss(logits, other, delta));
    const weighted = { weight: data([4, 1]), posWeight: weight };
    expectSame(
      new nn.BCEWithLogitsLoss(weighted).forward(logits, probabilities),
      bceWithLogits(logits, probabilities, weighted),
    );
    const divergence = { reduction: 'batchmean', logTarget: true } as const;
    expectSame(new nn.KLDivLoss(divergence).forward(logits, other), klDivergence(logits, other, divergence));
  });

  it('keep weights as buffers', () => {
    expect([...new nn.CrossEntropyLoss({ weight }).stateDict().keys()]).toEqual(['weight']);
    expect(new nn.CrossEntropyLoss({ weight }).parameters()).toEqual([]);
    expect([...new nn.BCEWithLogitsLoss({ posWeight: weight }).stateDict().keys()]).toEqual(['posWeight']);
  });

  it('reject bad options where they are made', () => {
    const rejected = (make: () => nn.Module) => {
      const error = errorOf(make);
      expect(error).toBeInstanceOf(ValidationError);
      return error.message;
    };
    expect(rejected(() => new nn.MSELoss({ reduction: 'max' as 'mean' }))).toMatch(/MSELoss: reduction 'max'/);
    expect(rejected(() => new nn.MSELoss({ reduction: 'batchmean' as 'mean' }))).toMatch(/'batchmean'/);
    expect(rejected(() => new nn.CrossEntropyLoss({ label_smoothing: 1 } as object))).toMatch(/'labelSmoothing'/);
    expect(rejected(() => new nn.CrossEntropyLoss({ labelSmoothing: 2 }))).toMatch(/labelSmoothing is 2/);
    expect(rejected(() => new nn.HuberLoss({ delta: 0 }))).toMatch(/delta is 0/);
  });
});
