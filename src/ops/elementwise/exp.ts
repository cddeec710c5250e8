/** Exp: e to the power of x. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { multiply } from './multiply.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const EXP = defineUnary({
  type: 'Exp',
  function: 'exp',
  saves: 'y',
  openvino: plainForm('opset1'),
});

export const gradientOfExp: GradientRule<NoAttributes> = (context, [g]) => [g && multiply(g, context.output(0))];

export const exp = (x: Tensor): Tensor => applyUnary(EXP, x, gradientOfExp);
