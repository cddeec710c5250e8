/** Sqrt: the square root. NNCF counts it as a power, so its input is quantized. */
import type { Tensor } from '../../tensor/tensor.js';
import { divide } from './divide.js';
import { multiply } from './multiply.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const SQRT = defineUnary({
  type: 'Sqrt',
  function: 'sqrt',
  saves: 'y',
  gradient: (g, { y }) => divide(multiply(g, 0.5), y),
  openvino: plainForm('opset1'),
  quantization: { trait: 'inputsQuantizable' },
});

export const sqrt = (x: Tensor): Tensor => applyUnary(SQRT, x);
