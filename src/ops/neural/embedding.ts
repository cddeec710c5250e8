/** Embedding: rows of a table, picked by whole-number indices. */
import { DTypeError, ShapeError } from '../../errors.js';
import { isFloating } from '../../kernels/dtype.js';
import { formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gather } from '../movement/gather.js';

/**
 * The rows of `weight` [rows, width] that `indices` (int32, any shape) name: [...indices.shape, width]. PyTorch's
 * `embedding`.
 */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  if (weight.rank !== 2)
    throw new ShapeError(
      'RANK_MISMATCH',
      `embedding: the weight must be [rows, width], but its shape is ${formatShape(weight.shape)}.`,
    );
  if (isFloating(indices.dtype))
    throw new DTypeError(
      'INDEX_DTYPE',
      `embedding: the indices are ${indices.dtype}; they must be whole numbers. Convert with .cast('int32').`,
    );
  return gather(weight, indices, 0);
}
