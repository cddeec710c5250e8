/** What losses share: how the values of the elements become one number. */
import { DTypeError, ShapeError, ValidationError } from '../../errors.js';
import { isFloating } from '../../kernels/dtype.js';
import { formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { sum } from '../movement/broadcast.js';
import { mean } from '../reduction/mean.js';

/** `mean` or `sum` over all elements, or `none`: the loss of each. */
export type LossReduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** Default: `mean`. */
  reduction?: LossReduction;
}

export function checkReduction(
  where: string,
  reduction: string,
  known: readonly string[] = ['mean', 'sum', 'none'],
): void {
  if (!known.includes(reduction)) {
    throw new ValidationError(
      'BAD_REDUCTION',
      `${where}: reduction '${reduction}' is not known; use one of ${known.join(', ')}.`,
      { reduction },
    );
  }
}

export const reduceLoss = (losses: Tensor, reduction: LossReduction): Tensor =>
  reduction === 'none' ? losses : reduction === 'sum' ? sum(losses) : mean(losses);

/** Checks that predictions and targets are floating-point and of one shape: broadcasting a loss is nearly always a mistake. */
export function requireSameShape(where: string, input: Tensor, target: Tensor): void {
  if (!isFloating(input.dtype) || !isFloating(target.dtype)) {
    throw new DTypeError(
      'FLOAT_NEEDED',
      `${where} needs floating-point tensors, but got ${input.dtype} and ${target.dtype}. Convert with .cast('float32').`,
    );
  }
  if (!sameShape(input.shape, target.shape)) {
    throw new ShapeError(
      'LOSS_SHAPE',
      `${where}: the input of shape ${formatShape(input.shape)} and the target of shape ${formatShape(target.shape)} must have the same shape.`,
      {
        input: input.shape,
        target: target.shape,
      },
    );
  }
}
