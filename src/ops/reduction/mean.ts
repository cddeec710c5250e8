/** ReduceMean: the average over axes. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { normalizeAxes, reducedShape, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { divide } from '../elementwise/divide.js';
import { broadcastTo } from '../movement/broadcast.js';
import { reshape } from '../movement/reshape.js';
import { type ReduceAttributes, reduceForm } from './form.js';

export const REDUCE_MEAN = defineOperation<ReduceAttributes>({
  type: 'ReduceMean',
  infer([x], { axes, keepDims }) {
    requireFloat('mean', x);
    return [{ shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype }];
  },
  lower: (_inputs, { axes }) => kernelCall('reduce', { function: 'mean', axes }),
  saves: {},
  quantization: { trait: 'inputsQuantizable' },
  openvino: reduceForm,
});

export const gradientOfReduceMean: GradientRule<ReduceAttributes> = (
  { inputTypes: [{ shape }], attributes: { axes } },
  [g],
) => {
  if (!g) return [null];
  const count = sizeOf(axes.map((axis) => shape[axis]));
  return [broadcastTo(reshape(divide(g, count), reducedShape(shape, axes, true)), shape)];
};

/** Average over `axes` (default: all). */
export const mean = (x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor =>
  applyOne(REDUCE_MEAN, [x], { axes: normalizeAxes(axes, x.rank, 'mean'), keepDims }, gradientOfReduceMean);
