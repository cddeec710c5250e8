/** Sigmoid: the logistic function 1 / (1 + e^-x). */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { multiply } from './multiply.js';
import { subtract } from './subtract.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const SIGMOID = defineUnary({
  type: 'Sigmoid',
  function: 'sigmoid',
  saves: 'y',
  openvino: plainForm('opset1'),
});

export const gradientOfSigmoid: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null];
  const y = context.output(0);
  return [multiply(g, multiply(y, subtract(1, y)))];
};

export const sigmoid = (x: Tensor): Tensor => applyUnary(SIGMOID, x, gradientOfSigmoid);
