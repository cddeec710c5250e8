/** SoftMax: e^x over its sum along one axis. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OpenvinoForm } from '../../autograd/operation.js';
import type { TensorType } from '../../kernels/contract.js';
import { normalizeAxis } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { multiply } from '../elementwise/multiply.js';
import { subtract } from '../elementwise/subtract.js';
import { sum } from '../movement/broadcast.js';

export interface SoftmaxAttributes {
  /** Non-negative axis. */
  readonly axis: number;
}

/** What SoftMax and LogSoftmax share: the same type as the input, which must be floating-point and have the axis. */
export function inferAlongAxis(where: string, x: TensorType, axis: number): TensorType[] {
  requireFloat(where, x);
  normalizeAxis(axis, x.shape.length, where);
  return [{ shape: x.shape, dtype: x.dtype }];
}

export const axisForm = (opset: string, where: string, fallback: number): OpenvinoForm<SoftmaxAttributes> => ({
  opset,
  data: ({ axis }) => ({ axis }),
  parse: (data, _constants, [x]) => ({ axis: normalizeAxis(data.number('axis', fallback), x.shape.length, where) }),
});

export const SOFTMAX = defineOperation<SoftmaxAttributes>({
  type: 'SoftMax',
  infer: ([x], { axis }) => inferAlongAxis('softmax', x, axis),
  lower: (_inputs, { axis }) => kernelCall('softmax', { axis }),
  saves: { outputs: [0] },
  openvino: axisForm('opset8', 'softmax', 1),
});

export const gradientOfSoftmax: GradientRule<SoftmaxAttributes> = (context, [g]) => {
  if (!g) return [null];
  const y = context.output(0);
  return [multiply(y, subtract(g, sum(multiply(g, y), context.attributes.axis, true)))];
};

/** e^x / sum(e^x) along `axis` (default: the last; may count from the end). */
export const softmax = (x: Tensor, axis = -1): Tensor =>
  applyOne(SOFTMAX, [x], { axis: normalizeAxis(axis, x.rank, 'softmax') }, gradientOfSoftmax);
