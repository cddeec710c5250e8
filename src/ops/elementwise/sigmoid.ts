/** Sigmoid: the logistic function 1 / (1 + e^-x). */
import type { Tensor } from '../../tensor/tensor.js';
import { multiply } from './multiply.js';
import { subtract } from './subtract.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const SIGMOID = defineUnary({
  type: 'Sigmoid',
  function: 'sigmoid',
  saves: 'y',
  gradient: (g, { y }) => multiply(g, multiply(y, subtract(1, y))),
  openvino: plainForm('opset1'),
});

export const sigmoid = (x: Tensor): Tensor => applyUnary(SIGMOID, x);
