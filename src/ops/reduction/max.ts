/** ReduceMax: the largest value over axes. */
import { normalizeAxes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { applyExtremum, defineExtremum } from './extremum.js';

export const REDUCE_MAX = defineExtremum('ReduceMax', 'max');

/** The largest value over `axes` (default: all). Elements that share it share the gradient. PyTorch's `amax`. */
export const max = (x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor =>
  applyExtremum(REDUCE_MAX, x, normalizeAxes(axes, x.rank, 'max'), keepDims);
