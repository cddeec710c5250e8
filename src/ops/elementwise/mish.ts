/** Mish: x tanh(softplus(x)) (Misra, 2019). */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { add } from './add.js';
import { multiply } from './multiply.js';
import { sigmoid } from './sigmoid.js';
import { softplus } from './softplus.js';
import { subtract } from './subtract.js';
import { tanh } from './tanh.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const MISH = defineUnary({
  type: 'Mish',
  function: 'mish',
  saves: 'x',
  openvino: plainForm('opset4'),
});

export const gradientOfMish: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null];
  const x = context.input(0);
  const t = tanh(softplus(x));
  return [multiply(g, add(t, multiply(multiply(x, sigmoid(x)), subtract(1, multiply(t, t)))))];
};

export const mish = (x: Tensor): Tensor => applyUnary(MISH, x, gradientOfMish);
