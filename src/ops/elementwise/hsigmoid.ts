/** HSigmoid: min(max(x + 3, 0), 6) / 6. PyTorch's Hardsigmoid. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { abs } from './abs.js';
import { less } from './less.js';
import { multiply } from './multiply.js';
import { where } from './select.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const HSIGMOID = defineUnary({
  type: 'HSigmoid',
  function: 'hsigmoid',
  saves: 'x',
  openvino: plainForm('opset5'),
});

export const gradientOfHsigmoid: GradientRule<NoAttributes> = (context, [g]) => [
  g && where(less(abs(context.input(0)), 3), multiply(g, 1 / 6), 0),
];

export const hsigmoid = (x: Tensor): Tensor => applyUnary(HSIGMOID, x, gradientOfHsigmoid);
