/** Variance and standard deviation, made of means, so that they need nothing of their own in a graph. */
import { ShapeError } from '../../errors.js';
import { DYNAMIC, formatShape, normalizeAxes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { multiply } from '../elementwise/multiply.js';
import { sqrt } from '../elementwise/sqrt.js';
import { subtract } from '../elementwise/subtract.js';
import { mean } from './mean.js';

export interface VarianceOptions {
  /** The sum of squares is divided by the number of elements less this. Default: 1 (unbiased), as in PyTorch. */
  correction?: number;
  /** Keep the reduced axes with extent 1. Default: false. */
  keepDims?: boolean;
}

/**
 * Variance over `axes` (default: all). NaN or infinite where there are not more elements than `correction`.
 * @throws ShapeError for a correction over an axis whose extent is only known when the graph runs.
 */
export function variance(
  x: Tensor,
  axes?: number | readonly number[],
  { correction = 1, keepDims = false }: VarianceOptions = {},
): Tensor {
  const normalized = normalizeAxes(axes, x.rank, 'variance');
  const deviation = subtract(x, mean(x, normalized, true));
  const biased = mean(multiply(deviation, deviation), normalized, keepDims);
  if (correction === 0) return biased;
  const extents = normalized.map((axis) => x.shape[axis]);
  if (extents.includes(DYNAMIC)) {
    throw new ShapeError(
      'DYNAMIC_SHAPE',
      `variance: the number of elements over axes [${normalized}] of ${formatShape(x.shape)} is not known before the model runs. ` +
        'Use { correction: 0 }.',
    );
  }
  const count = extents.reduce((product, extent) => product * extent, 1);
  return multiply(biased, count / Math.max(0, count - correction));
}

/** Square root of the variance over `axes` (default: all). */
export const standardDeviation = (x: Tensor, axes?: number | readonly number[], options?: VarianceOptions): Tensor =>
  sqrt(variance(x, axes, options));
