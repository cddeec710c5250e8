/** LogSoftmax: the logarithm of softmax, computed without the overflow that log(softmax(x)) has. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { normalizeAxis } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { exp } from '../elementwise/exp.js';
import { multiply } from '../elementwise/multiply.js';
import { subtract } from '../elementwise/subtract.js';
import { sum } from '../movement/broadcast.js';
import { axisForm, inferAlongAxis, type SoftmaxAttributes } from './softmax.js';

export const LOG_SOFTMAX = defineOperation<SoftmaxAttributes>({
  type: 'LogSoftmax',
  infer: ([x], { axis }) => inferAlongAxis('logSoftmax', x, axis),
  lower: (_inputs, { axis }) => kernelCall('logSoftmax', { axis }),
  saves: { outputs: [0] },
  openvino: axisForm('opset5', 'logSoftmax', -1),
});

export const gradientOfLogSoftmax: GradientRule<SoftmaxAttributes> = (context, [g]) => {
  if (!g) return [null];
  return [subtract(g, multiply(exp(context.output(0)), sum(g, context.attributes.axis, true)))];
};

/** x - log(sum(e^x)) along `axis` (default: the last; may count from the end). */
export const logSoftmax = (x: Tensor, axis = -1): Tensor =>
  applyOne(LOG_SOFTMAX, [x], { axis: normalizeAxis(axis, x.rank, 'logSoftmax') }, gradientOfLogSoftmax);
