/** Losses that are quadratic near zero and linear beyond: Huber's, and PyTorch's smooth L1, which is it divided by beta. */
import { ValidationError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs } from '../elementwise/abs.js';
import { less } from '../elementwise/less.js';
import { multiply } from '../elementwise/multiply.js';
import { where } from '../elementwise/select.js';
import { subtract } from '../elementwise/subtract.js';
import { l1Loss } from './l1Loss.js';
import { checkReduction, type LossOptions, reduceLoss, requireSameShape } from './reduction.js';

export interface HuberLossOptions extends LossOptions {
  /** Where the quadratic part ends, above 0. Default: 1. */
  delta?: number;
}

/** Of e = |input - target|: e^2 / 2 below delta, else delta (e - delta / 2). PyTorch's `huber_loss`. */
export function huberLoss(input: Tensor, target: Tensor, options: HuberLossOptions = {}): Tensor {
  checkOptions('huberLoss', options, ['reduction', 'delta']);
  const { delta = 1, reduction = 'mean' } = options;
  if (!(delta > 0))
    throw new ValidationError('BAD_DELTA', `huberLoss: delta is ${delta}; it must be above 0.`, { delta });
  checkReduction('huberLoss', reduction);
  requireSameShape('huberLoss', input, target);
  const error = abs(subtract(input, target));
  return reduceLoss(
    where(less(error, delta), multiply(multiply(error, error), 0.5), multiply(subtract(error, delta / 2), delta)),
    reduction,
  );
}

export interface SmoothL1LossOptions extends LossOptions {
  /** Where the quadratic part ends, at least 0. Default: 1. */
  beta?: number;
}

/** Of e = |input - target|: e^2 / (2 beta) below beta, else e - beta / 2. PyTorch's `smooth_l1_loss`. */
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  checkOptions('smoothL1Loss', options, ['reduction', 'beta']);
  const { beta = 1, reduction = 'mean' } = options;
  if (!(beta >= 0))
    throw new ValidationError('BAD_BETA', `smoothL1Loss: beta is ${beta}; it must be at least 0.`, { beta });
  if (beta === 0) return l1Loss(input, target, { reduction });
  return multiply(huberLoss(input, target, { reduction, delta: beta }), 1 / beta);
}
