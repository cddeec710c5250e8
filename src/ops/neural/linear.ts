/** Linear: x W^T + b. */
import { ShapeError } from '../../errors.js';
import { formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add } from '../elementwise/add.js';
import { matMul } from './matMul.js';

/**
 * x [..., inputs] times the transpose of `weight` [outputs, inputs], plus `bias` [outputs]. PyTorch's `linear`.
 * @param bias Default: none.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  if (weight.rank !== 2)
    throw new ShapeError(
      'RANK_MISMATCH',
      `linear: the weight must be [outputs, inputs], but its shape is ${formatShape(weight.shape)}.`,
    );
  if (bias && (bias.rank !== 1 || bias.shape[0] !== weight.shape[0])) {
    throw new ShapeError(
      'BIAS_MISMATCH',
      `linear: the bias of shape ${formatShape(bias.shape)} does not fit a weight of shape ${formatShape(weight.shape)}, which has ${weight.shape[0]} outputs.`,
      {
        bias: bias.shape,
        weight: weight.shape,
      },
    );
  }
  const product = matMul(x, weight, { transposeB: true });
  return bias ? add(product, bias) : product;
}
