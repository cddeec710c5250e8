/** ln(sum(e^x)), shifted by the maximum so that no exponential overflows. */
import { normalizeAxes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs } from '../elementwise/abs.js';
import { add } from '../elementwise/add.js';
import { exp } from '../elementwise/exp.js';
import { less } from '../elementwise/less.js';
import { log } from '../elementwise/log.js';
import { where } from '../elementwise/select.js';
import { subtract } from '../elementwise/subtract.js';
import { sum } from '../movement/broadcast.js';
import { squeeze } from '../movement/squeeze.js';
import { max } from './max.js';

/** Logarithm of the sum of the exponentials over `axes` (default: all). */
export function logSumExp(x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor {
  const normalized = normalizeAxes(axes, x.rank, 'logSumExp');
  const largest = max(x.detach(), normalized, true);
  // An infinite maximum must not be subtracted from itself.
  const shift = where(less(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
  const result = add(log(sum(exp(subtract(x, shift)), normalized, true)), shift);
  return keepDims ? result : squeeze(result, normalized);
}
