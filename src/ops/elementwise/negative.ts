/** Negative: -x. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const NEGATIVE = defineUnary({
  type: 'Negative',
  function: 'negative',
  domain: 'number',
  saves: 'nothing',
  openvino: plainForm('opset1'),
});

export const gradientOfNegative: GradientRule<NoAttributes> = (_context, [g]) => [g && negative(g)];

export const negative = (x: Tensor): Tensor => applyUnary(NEGATIVE, x, gradientOfNegative);
