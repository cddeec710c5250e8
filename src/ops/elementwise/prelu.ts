/** PReLU: x above zero, slope x below, with a slope that can be trained (He et al., 2015). */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { full } from '../../tensor/create.js';
import { broadcastShapes, DYNAMIC, formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { NO_ATTRIBUTES, type NoAttributes, requireFloat, requireSameDType } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { reshape } from '../movement/reshape.js';
import { greater } from './greater.js';
import { multiply } from './multiply.js';
import { where } from './select.js';
import { plainForm } from './unary.js';

/** The shape under which the slope broadcasts: OpenVINO lays a vector of x's channels along axis 1. */
function slopeShape(x: TensorType, slope: TensorType): number[] {
  const channels = x.shape[1];
  const perChannel =
    x.shape.length > 1 && slope.shape.length === 1 && (slope.shape[0] === channels || channels === DYNAMIC);
  if (!perChannel || slope.shape[0] === 1) return [...slope.shape];
  return [slope.shape[0], ...new Array<number>(x.shape.length - 2).fill(1)];
}

export const PRELU = defineOperation<NoAttributes>({
  type: 'PReLU',
  infer([x, slope]) {
    requireFloat('prelu', x);
    const dtype = requireSameDType('prelu', x, slope);
    if (!sameShape(broadcastShapes(x.shape, slopeShape(x, slope), 'prelu'), x.shape)) {
      throw new ShapeError(
        'PRELU_SLOPE',
        `prelu: a slope of shape ${formatShape(slope.shape)} does not fit data of shape ${formatShape(x.shape)}: ` +
          'it needs one element, one per channel, or a shape that broadcasts to the data.',
        { data: x.shape, slope: slope.shape },
      );
    }
    return [{ shape: x.shape, dtype }];
  },
  decompose: ([x, slope]) => [where(greater(x, 0), x, multiply(x, reshape(slope, slopeShape(x, slope))))],
  saves: { inputs: [0, 1] },
  openvino: plainForm('opset1'),
});

export const gradientOfPrelu: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null, null];
  const x = context.input(0);
  const shape = slopeShape(context.inputTypes[0], context.inputTypes[1]);
  const positive = greater(x, 0);
  const bySlope = (): Tensor =>
    reshape(sumToShape(where(positive, 0, multiply(g, x)), shape), context.inputTypes[1].shape);
  return [
    context.needs(0) ? where(positive, g, multiply(g, reshape(context.input(1), shape))) : null,
    context.needs(1) ? bySlope() : null,
  ];
};

/** @param slope One element, one per channel (axis 1), or a shape that broadcasts to x. */
export const prelu = (x: Tensor, slope: Tensor): Tensor => applyOne(PRELU, [x, slope], NO_ATTRIBUTES, gradientOfPrelu);

/**
 * x above zero, `negativeSlope` x below.
 * @param negativeSlope Default: 0.01.
 */
export const leakyRelu = (x: Tensor, negativeSlope = 0.01): Tensor =>
  prelu(x, full([1], negativeSlope, { dtype: x.dtype, backend: x.backend }));
