/** Binary cross entropy of logits. */
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add } from '../elementwise/add.js';
import { multiply } from '../elementwise/multiply.js';
import { negative } from '../elementwise/negative.js';
import { softplus } from '../elementwise/softplus.js';
import { subtract } from '../elementwise/subtract.js';
import { checkReduction, type LossOptions, reduceLoss, requireSameShape } from './reduction.js';

export interface BceWithLogitsOptions extends LossOptions {
  /** Factor of each element's loss; broadcasts. Default: 1. */
  weight?: Tensor | null;
  /** Factor of the positive part of each element's loss; broadcasts. Default: 1. */
  posWeight?: Tensor | null;
}

/**
 * -(p t log s(x) + (1 - t) log(1 - s(x))) with the sigmoid s, averaged, as t p softplus(-x) + (1 - t) softplus(x), which
 * neither overflows nor cancels. PyTorch's `binary_cross_entropy_with_logits`.
 * @param target Probabilities 0 to 1 of the shape of `logits`.
 */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  checkOptions('bceWithLogits', options, ['weight', 'posWeight', 'reduction']);
  const { weight, posWeight, reduction = 'mean' } = options;
  checkReduction('bceWithLogits', reduction);
  requireSameShape('bceWithLogits', logits, target);
  const positive = multiply(target, softplus(negative(logits)));
  const losses = add(
    posWeight ? multiply(positive, posWeight) : positive,
    multiply(subtract(1, target), softplus(logits)),
  );
  return reduceLoss(weight ? multiply(losses, weight) : losses, reduction);
}
