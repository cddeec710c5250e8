/** Abs: the absolute value. Its gradient at zero is zero, as PyTorch's. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { multiply } from './multiply.js';
import { sign } from './sign.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const ABS = defineUnary({
  type: 'Abs',
  function: 'abs',
  domain: 'number',
  saves: 'x',
  openvino: plainForm('opset1'),
});

export const gradientOfAbs: GradientRule<NoAttributes> = (context, [g]) => [g && multiply(g, sign(context.input(0)))];

export const abs = (x: Tensor): Tensor => applyUnary(ABS, x, gradientOfAbs);
