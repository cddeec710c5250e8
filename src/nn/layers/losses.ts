/** Losses as layers. Each is the function of the same name in `functional`, with its options kept. */

import { type BceWithLogitsOptions, bceWithLogits } from '../../ops/loss/bceWithLogits.js';
import { type CrossEntropyOptions, crossEntropy } from '../../ops/loss/crossEntropy.js';
import { type HuberLossOptions, huberLoss, type SmoothL1LossOptions, smoothL1Loss } from '../../ops/loss/huberLoss.js';
import { type KlDivergenceOptions, klDivergence } from '../../ops/loss/klDivergence.js';
import { l1Loss } from '../../ops/loss/l1Loss.js';
import { mseLoss } from '../../ops/loss/mseLoss.js';
import { IGNORE_INDEX, type NllLossOptions, nllLoss } from '../../ops/loss/nllLoss.js';
import { checkReduction, type LossOptions, type LossReduction } from '../../ops/loss/reduction.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { Buffer } from '../parameter.js';
import { checkNumber } from './checks.js';

const bufferOf = (tensor: Tensor | null | undefined): Buffer | null => (tensor ? new Buffer(tensor) : null);

/** Checks what all losses have. */
function reductionOf<R extends string = LossReduction>(
  where: string,
  options: { readonly reduction?: R },
  known: readonly string[],
  reductions: readonly string[] = ['mean', 'sum', 'none'],
): R | 'mean' {
  checkOptions(where, options, ['reduction', ...known]);
  const reduction = options.reduction ?? 'mean';
  checkReduction(where, reduction, reductions);
  return reduction;
}

/** Cross entropy of logits [N, C, ...] and classes [N, ...] or probabilities of the logits' shape. */
export class CrossEntropyLoss extends Module {
  /** Weight of each class, [C]. */
  readonly weight: Buffer | null;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;
  readonly reduction: LossReduction;

  constructor(options: CrossEntropyOptions = {}) {
    super();
    this.reduction = reductionOf('CrossEntropyLoss', options, ['weight', 'ignoreIndex', 'labelSmoothing']);
    this.weight = bufferOf(options.weight);
    this.ignoreIndex = options.ignoreIndex ?? IGNORE_INDEX;
    this.labelSmoothing = checkNumber('CrossEntropyLoss', 'labelSmoothing', options.labelSmoothing ?? 0, 0, 1);
  }

  override forward(logits: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, labelSmoothing, reduction } = this;
    return crossEntropy(logits, target, { weight, ignoreIndex, labelSmoothing, reduction });
  }
}

/** Negative log-likelihood of log-probabilities [N, C, ...] and classes [N, ...]. */
export class NLLLoss extends Module {
  /** Weight of each class, [C]. */
  readonly weight: Buffer | null;
  readonly ignoreIndex: number;
  readonly reduction: LossReduction;

  constructor(options: NllLossOptions = {}) {
    super();
    this.reduction = reductionOf('NLLLoss', options, ['weight', 'ignoreIndex']);
    this.weight = bufferOf(options.weight);
    this.ignoreIndex = options.ignoreIndex ?? IGNORE_INDEX;
  }

  override forward(logProbabilities: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nllLoss(logProbabilities, target, { weight, ignoreIndex, reduction });
  }
}

/** (input - target)^2. */
export class MSELoss extends Module {
  readonly reduction: LossReduction;

  constructor(options: LossOptions = {}) {
    super();
    this.reduction = reductionOf('MSELoss', options, []);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/** |input - target|. */
export class L1Loss extends Module {
  readonly reduction: LossReduction;

  constructor(options: LossOptions = {}) {
    super();
    this.reduction = reductionOf('L1Loss', options, []);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}

/** Quadratic below `beta`, |input - target| - beta / 2 beyond. */
export class SmoothL1Loss extends Module {
  readonly reduction: LossReduction;
  readonly beta: number;

  constructor(options: SmoothL1LossOptions = {}) {
    super();
    this.reduction = reductionOf('SmoothL1Loss', options, ['beta']);
    this.beta = checkNumber('SmoothL1Loss', 'beta', options.beta ?? 1, 0);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, { reduction: this.reduction, beta: this.beta });
  }
}

/** Quadratic below `delta`, delta (|input - target| - delta / 2) beyond. */
export class HuberLoss extends Module {
  readonly reduction: LossReduction;
  readonly delta: number;

  constructor(options: HuberLossOptions = {}) {
    super();
    this.reduction = reductionOf('HuberLoss', options, ['delta']);
    this.delta = checkNumber('HuberLoss', 'delta', options.delta ?? 1, Number.MIN_VALUE);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, { reduction: this.reduction, delta: this.delta });
  }
}

/** Binary cross entropy of logits and probabilities 0 to 1 of the same shape. */
export class BCEWithLogitsLoss extends Module {
  /** Factor of each element's loss; broadcasts. */
  readonly weight: Buffer | null;
  /** Factor of the positive part of each element's loss; broadcasts. */
  readonly posWeight: Buffer | null;
  readonly reduction: LossReduction;

  constructor(options: BceWithLogitsOptions = {}) {
    super();
    this.reduction = reductionOf('BCEWithLogitsLoss', options, ['weight', 'posWeight']);
    this.weight = bufferOf(options.weight);
    this.posWeight = bufferOf(options.posWeight);
  }

  override forward(logits: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return bceWithLogits(logits, target, { weight, posWeight, reduction });
  }
}

/** Kullback-Leibler divergence of log-probabilities from probabilities (or, with `logTarget`, log-probabilities). */
export class KLDivLoss extends Module {
  readonly reduction: LossReduction | 'batchmean';
  readonly logTarget: boolean;

  constructor(options: KlDivergenceOptions = {}) {
    super();
    const reductions = ['mean', 'sum', 'none', 'batchmean'];
    this.reduction = reductionOf('KLDivLoss', options, ['logTarget'], reductions);
    this.logTarget = options.logTarget ?? false;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return klDivergence(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}
