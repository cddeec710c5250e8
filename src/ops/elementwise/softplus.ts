/** SoftPlus: ln(1 + e^x). */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { multiply } from './multiply.js';
import { sigmoid } from './sigmoid.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const SOFTPLUS = defineUnary({
  type: 'SoftPlus',
  function: 'softplus',
  saves: 'x',
  openvino: plainForm('opset4'),
});

export const gradientOfSoftplus: GradientRule<NoAttributes> = (context, [g]) => [
  g && multiply(g, sigmoid(context.input(0))),
];

export const softplus = (x: Tensor): Tensor => applyUnary(SOFTPLUS, x, gradientOfSoftplus);
