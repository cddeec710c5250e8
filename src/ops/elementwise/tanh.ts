/** Tanh: the hyperbolic tangent. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { multiply } from './multiply.js';
import { subtract } from './subtract.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const TANH = defineUnary({
  type: 'Tanh',
  function: 'tanh',
  saves: 'y',
  openvino: plainForm('opset1'),
});

export const gradientOfTanh: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null];
  const y = context.output(0);
  return [multiply(g, subtract(1, multiply(y, y)))];
};

export const tanh = (x: Tensor): Tensor => applyUnary(TANH, x, gradientOfTanh);
