/** Abs: the absolute value. Its gradient at zero is zero, as PyTorch's. */
import type { Tensor } from '../../tensor/tensor.js';
import { multiply } from './multiply.js';
import { sign } from './sign.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const ABS = defineUnary({
  type: 'Abs',
  function: 'abs',
  domain: 'number',
  saves: 'x',
  gradient: (g, { x }) => multiply(g, sign(x)),
  openvino: plainForm('opset1'),
});

export const abs = (x: Tensor): Tensor => applyUnary(ABS, x);
