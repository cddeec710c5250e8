/** Exp: e to the power of x. */
import type { Tensor } from '../../tensor/tensor.js';
import { multiply } from './multiply.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const EXP = defineUnary({
  type: 'Exp',
  function: 'exp',
  saves: 'y',
  gradient: (g, { y }) => multiply(g, y),
  openvino: plainForm('opset1'),
});

export const exp = (x: Tensor): Tensor => applyUnary(EXP, x);
