/**
 * FakeQuantize as OpenVINO defines it: values between two input limits are rounded to one of `levels` values between
 * two output limits. Models that are read have it; training uses the quantizers beside this file, whose
 * rounding is NNCF's.
 */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { ShapeError, ValidationError } from '../../errors.js';
import { broadcastShapes, formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat, requireSameDType } from '../checks.js';
import { divide } from '../elementwise/divide.js';
import { greaterEqual } from '../elementwise/greaterEqual.js';
import { lessEqual } from '../elementwise/lessEqual.js';
import { logicalAnd } from '../elementwise/logicalAnd.js';
import { maximum } from '../elementwise/maximum.js';
import { minimum } from '../elementwise/minimum.js';
import { multiply } from '../elementwise/multiply.js';
import { notEqual } from '../elementwise/notEqual.js';
import { where } from '../elementwise/select.js';
import { subtract } from '../elementwise/subtract.js';

export interface OpenvinoFakeQuantizeAttributes {
  /** Number of values, at least 2. */
  readonly levels: number;
}

export const FAKE_QUANTIZE = defineOperation<OpenvinoFakeQuantizeAttributes>({
  type: 'FakeQuantize',
  infer(inputs, { levels }) {
    const [x, ...limits] = inputs;
    requireFloat('fakeQuantize', ...inputs);
    requireSameDType('fakeQuantize', ...inputs);
    if (!Number.isInteger(levels) || levels < 2) {
      throw new ValidationError(
        'QUANTIZER_LEVELS',
        `fakeQuantize: levels is ${levels}; it must be a whole number of at least 2.`,
        { levels },
      );
    }
    for (const { shape } of limits) {
      if (!sameShape(broadcastShapes(x.shape, shape, 'fakeQuantize'), x.shape)) {
        throw new ShapeError(
          'QUANTIZER_SHAPE',
          `fakeQuantize: limits of shape ${formatShape(shape)} do not broadcast to a tensor of shape ${formatShape(x.shape)}.`,
          {
            parameter: shape,
            tensor: x.shape,
          },
        );
      }
    }
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  lower: (_inputs, { levels }) => kernelCall('fakeQuantizeOpenvino', { levels }),
  saves: { inputs: [0, 1, 2, 3, 4] },
  openvino: {
    opset: () => 'opset1',
    data: ({ levels }) => ({ levels, auto_broadcast: 'numpy' }),
    parse: (data) => ({ levels: data.number('levels') }),
  },
});

/** Straight through, times the slope from input to output range, within the input limits; the limits get none. */
export const gradientOfFakeQuantize: GradientRule<OpenvinoFakeQuantizeAttributes> = (context, [g]) => {
  if (!g || !context.needs(0)) return [null, null, null, null, null];
  const [x, inputLow, inputHigh, outputLow, outputHigh] = [0, 1, 2, 3, 4].map((index) => context.input(index));
  const inside = logicalAnd(greaterEqual(x, minimum(inputLow, inputHigh)), lessEqual(x, maximum(inputLow, inputHigh)));
  const slope = divide(subtract(outputHigh, outputLow), subtract(inputHigh, inputLow));
  // Equal limits make a step, whose slope is zero almost everywhere.
  return [where(logicalAnd(inside, notEqual(inputLow, inputHigh)), multiply(g, slope), 0), null, null, null, null];
};

/**
 * OpenVINO's FakeQuantize-1 of x with limits that broadcast to x: up to the lower input limit the lower output limit,
 * above the upper one the upper, between them the nearest of `levels` evenly spaced values.
 */
export const fakeQuantize = (
  x: Tensor,
  inputLow: Tensor,
  inputHigh: Tensor,
  outputLow: Tensor,
  outputHigh: Tensor,
  levels: number,
): Tensor =>
  applyOne(FAKE_QUANTIZE, [x, inputLow, inputHigh, outputLow, outputHigh], { levels }, gradientOfFakeQuantize);
