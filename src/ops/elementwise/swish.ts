/** Swish, also called SiLU: x sigmoid(x). */

import type { GradientRule } from '../../autograd/operation.js';
import { UnsupportedError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { NO_ATTRIBUTES } from '../checks.js';
import { add } from './add.js';
import { multiply } from './multiply.js';
import { sigmoid } from './sigmoid.js';
import { subtract } from './subtract.js';
import { applyUnary, defineUnary } from './unary.js';

export const SWISH = defineUnary({
  type: 'Swish',
  function: 'swish',
  saves: 'x',
  openvino: {
    opset: () => 'opset4',
    tensorInputs: 1,
    parse(_data, [beta]) {
      if (beta && beta[0] !== 1) {
        throw new UnsupportedError('SWISH_BETA', `Swish: beta ${beta[0]} is not supported; only 1 is.`, {
          beta: beta[0],
        });
      }
      return NO_ATTRIBUTES;
    },
  },
});

export const gradientOfSwish: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null];
  const x = context.input(0);
  const s = sigmoid(x);
  return [multiply(g, multiply(s, add(multiply(x, subtract(1, s)), 1)))];
};

export const swish = (x: Tensor): Tensor => applyUnary(SWISH, x, gradientOfSwish);

/** PyTorch's name of `swish`. */
export const silu = swish;
