/** ReduceMin: the smallest value over axes. */
import { normalizeAxes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { applyExtremum, defineExtremum } from './extremum.js';

export const REDUCE_MIN = defineExtremum('ReduceMin', 'min');

/** The smallest value over `axes` (default: all). Elements that share it share the gradient. PyTorch's `amin`. */
export const min = (x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor =>
  applyExtremum(REDUCE_MIN, x, normalizeAxes(axes, x.rank, 'min'), keepDims);
