/** Log: the natural logarithm. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { divide } from './divide.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const LOG = defineUnary({
  type: 'Log',
  function: 'log',
  saves: 'x',
  openvino: plainForm('opset1'),
});

export const gradientOfLog: GradientRule<NoAttributes> = (context, [g]) => [g && divide(g, context.input(0))];

export const log = (x: Tensor): Tensor => applyUnary(LOG, x, gradientOfLog);
