/** ReLU: max(x, 0). Not quantization-agnostic on purpose: a quantizer after it covers a range without negative values. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { cast } from './convert.js';
import { greater } from './greater.js';
import { multiply } from './multiply.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const RELU = defineUnary({
  type: 'ReLU',
  function: 'relu',
  saves: 'y',
  openvino: plainForm('opset1'),
});

export const gradientOfRelu: GradientRule<NoAttributes> = (context, [g]) => [
  g && multiply(g, cast(greater(context.output(0), 0), g.dtype)),
];

export const relu = (x: Tensor): Tensor => applyUnary(RELU, x, gradientOfRelu);
