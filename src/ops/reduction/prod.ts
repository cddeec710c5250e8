/** ReduceProd: the product over axes. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { normalizeAxes, reducedShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireDomain } from '../checks.js';
import { cast } from '../elementwise/convert.js';
import { divide } from '../elementwise/divide.js';
import { equal } from '../elementwise/equal.js';
import { multiply } from '../elementwise/multiply.js';
import { where } from '../elementwise/select.js';
import { sum } from '../movement/broadcast.js';
import { reshape } from '../movement/reshape.js';
import { type ReduceAttributes, reduceForm } from './form.js';

export const REDUCE_PROD = defineOperation<ReduceAttributes>({
  type: 'ReduceProd',
  infer([x], { axes, keepDims }) {
    requireDomain('prod', 'number', x);
    return [{ shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype }];
  },
  lower: (_inputs, { axes }) => kernelCall('reduce', { function: 'prod', axes }),
  saves: { inputs: [0] },
  openvino: reduceForm,
});

/**
 * Each element's derivative is the product of the others. Where one element is zero, it is the only one whose
 * others have a product other than zero; where two are, none has.
 */
export const gradientOfReduceProd: GradientRule<ReduceAttributes> = (context, [g]) => {
  if (!g) return [null];
  const x = context.input(0);
  const { axes } = context.attributes;
  const isZero = equal(x, 0);
  const zeros = sum(cast(isZero, x.dtype), axes, true);
  const nonZero = where(isZero, 1, x);
  const product = prod(nonZero, axes, true);
  const others = where(isZero, where(equal(zeros, 1), product, 0), where(equal(zeros, 0), divide(product, nonZero), 0));
  return [multiply(reshape(g, reducedShape(x.shape, axes, true)), others)];
};

/** Product over `axes` (default: all). */
export const prod = (x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor =>
  applyOne(REDUCE_PROD, [x], { axes: normalizeAxes(axes, x.rank, 'prod'), keepDims }, gradientOfReduceProd);
