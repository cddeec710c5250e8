/** Mean absolute error. */
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs } from '../elementwise/abs.js';
import { subtract } from '../elementwise/subtract.js';
import { checkReduction, type LossOptions, reduceLoss, requireSameShape } from './reduction.js';

/** |input - target| of two tensors of one shape, averaged. PyTorch's `l1_loss`. */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('l1Loss', options, ['reduction']);
  checkReduction('l1Loss', options.reduction ?? 'mean');
  requireSameShape('l1Loss', input, target);
  return reduceLoss(abs(subtract(input, target)), options.reduction ?? 'mean');
}
