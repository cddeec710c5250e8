/** Erf: the error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { exp } from './exp.js';
import { multiply } from './multiply.js';
import { negative } from './negative.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

export const ERF = defineUnary({
  type: 'Erf',
  function: 'erf',
  saves: 'x',
  openvino: plainForm('opset1'),
});

export const gradientOfErf: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null];
  const x = context.input(0);
  return [multiply(g, multiply(exp(negative(multiply(x, x))), TWO_OVER_SQRT_PI))];
};

export const erf = (x: Tensor): Tensor => applyUnary(ERF, x, gradientOfErf);
