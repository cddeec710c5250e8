/** Clamp: values limited to a range. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { ValidationError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { greaterEqual } from './greaterEqual.js';
import { lessEqual } from './lessEqual.js';
import { logicalAnd } from './logicalAnd.js';
import { where } from './select.js';

export interface ClampAttributes {
  readonly min: number;
  readonly max: number;
}

/** IR readers do not take infinities; no float32 is beyond this. */
const LARGEST = 3.4028234663852886e38;
const finite = (limit: number): number => Math.min(Math.max(limit, -LARGEST), LARGEST);

export const CLAMP = defineOperation<ClampAttributes>({
  type: 'Clamp',
  infer([x], { min, max }) {
    requireFloat('clamp', x);
    if (!(min <= max)) {
      throw new ValidationError(
        'CLAMP_RANGE',
        `clamp: the lower limit ${min} must not be above the upper limit ${max}.`,
        {
          min,
          max,
        },
      );
    }
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  lower: (_inputs, { min, max }) => kernelCall('clamp', { min, max }),
  saves: { inputs: [0] },
  openvino: {
    opset: () => 'opset1',
    data: ({ min, max }) => ({ min: finite(min), max: finite(max) }),
    parse: (data) => ({ min: data.number('min'), max: data.number('max') }),
  },
});

export const gradientOfClamp: GradientRule<ClampAttributes> = (context, [g]) => {
  const { min, max } = context.attributes;
  const x = context.input(0);
  // Inclusive, as in PyTorch.
  return [g && where(logicalAnd(greaterEqual(x, min), lessEqual(x, max)), g, 0)];
};

/** min(max(x, min), max). Use -Infinity or Infinity for no limit. */
export const clamp = (x: Tensor, min: number, max: number): Tensor =>
  applyOne(CLAMP, [x], { min, max }, gradientOfClamp);

/** min(max(x, 0), 6). */
export const relu6 = (x: Tensor): Tensor => clamp(x, 0, 6);
