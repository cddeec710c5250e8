/** Mean squared error. */
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { multiply } from '../elementwise/multiply.js';
import { subtract } from '../elementwise/subtract.js';
import { checkReduction, type LossOptions, reduceLoss, requireSameShape } from './reduction.js';

/** (input - target)^2 of two tensors of one shape, averaged. PyTorch's `mse_loss`. */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('mseLoss', options, ['reduction']);
  checkReduction('mseLoss', options.reduction ?? 'mean');
  requireSameShape('mseLoss', input, target);
  const difference = subtract(input, target);
  return reduceLoss(multiply(difference, difference), options.reduction ?? 'mean');
}
