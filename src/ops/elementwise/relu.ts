/** ReLU: max(x, 0). Not quantization-agnostic on purpose: a quantizer after it covers a range without negative values. */
import type { Tensor } from '../../tensor/tensor.js';
import { cast } from './convert.js';
import { greater } from './greater.js';
import { multiply } from './multiply.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const RELU = defineUnary({
  type: 'ReLU',
  function: 'relu',
  saves: 'y',
  gradient: (g, { y }) => multiply(g, cast(greater(y, 0), g.dtype)),
  openvino: plainForm('opset1'),
});

export const relu = (x: Tensor): Tensor => applyUnary(RELU, x);
