/** Kullback-Leibler divergence between distributions given as log-probabilities. */
import { ValidationError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { divide } from '../elementwise/divide.js';
import { exp } from '../elementwise/exp.js';
import { greater } from '../elementwise/greater.js';
import { log } from '../elementwise/log.js';
import { multiply } from '../elementwise/multiply.js';
import { where } from '../elementwise/select.js';
import { subtract } from '../elementwise/subtract.js';
import { checkReduction, type LossReduction, reduceLoss, requireSameShape } from './reduction.js';

export interface KlDivergenceOptions {
  /** `batchmean` divides the sum by the batch size, which is the divergence itself. Default: `mean`, as PyTorch's. */
  reduction?: LossReduction | 'batchmean';
  /** Whether the target is log-probabilities too. Default: false. */
  logTarget?: boolean;
}

/**
 * target (log target - input) for each element, 0 where the target is 0. PyTorch's `kl_div`.
 * @param input Log-probabilities, such as from `logSoftmax`.
 * @param target Probabilities of the same shape.
 */
export function klDivergence(input: Tensor, target: Tensor, options: KlDivergenceOptions = {}): Tensor {
  checkOptions('klDivergence', options, ['reduction', 'logTarget']);
  const { reduction = 'mean', logTarget = false } = options;
  checkReduction('klDivergence', reduction, ['mean', 'sum', 'none', 'batchmean']);
  requireSameShape('klDivergence', input, target);
  // log(1) where the target is 0, so that neither value nor gradient is 0 times infinity.
  const logarithm = logTarget ? target : log(where(greater(target, 0), target, 1));
  const losses = multiply(logTarget ? exp(target) : target, subtract(logarithm, input));
  if (reduction !== 'batchmean') return reduceLoss(losses, reduction);
  if (input.rank === 0)
    throw new ValidationError(
      'NO_BATCH',
      "klDivergence: reduction 'batchmean' needs a batch axis, but the input is a scalar.",
    );
  return divide(reduceLoss(losses, 'sum'), input.shape[0]);
}
