/** Tanh: the hyperbolic tangent. */
import type { Tensor } from '../../tensor/tensor.js';
import { multiply } from './multiply.js';
import { subtract } from './subtract.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const TANH = defineUnary({
  type: 'Tanh',
  function: 'tanh',
  saves: 'y',
  gradient: (g, { y }) => multiply(g, subtract(1, multiply(y, y))),
  openvino: plainForm('opset1'),
});

export const tanh = (x: Tensor): Tensor => applyUnary(TANH, x);
