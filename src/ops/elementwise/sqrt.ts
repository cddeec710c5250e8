/** Sqrt: the square root. NNCF counts it as a power, so its input is quantized. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { divide } from './divide.js';
import { multiply } from './multiply.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const SQRT = defineUnary({
  type: 'Sqrt',
  function: 'sqrt',
  saves: 'y',
  openvino: plainForm('opset1'),
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfSqrt: GradientRule<NoAttributes> = (context, [g]) => [
  g && divide(multiply(g, 0.5), context.output(0)),
];

export const sqrt = (x: Tensor): Tensor => applyUnary(SQRT, x, gradientOfSqrt);
