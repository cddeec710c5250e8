/** SoftPlus: ln(1 + e^x). */
import type { Tensor } from '../../tensor/tensor.js';
import { multiply } from './multiply.js';
import { sigmoid } from './sigmoid.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const SOFTPLUS = defineUnary({
  type: 'SoftPlus',
  function: 'softplus',
  saves: 'x',
  gradient: (g, { x }) => multiply(g, sigmoid(x)),
  openvino: plainForm('opset4'),
});

export const softplus = (x: Tensor): Tensor => applyUnary(SOFTPLUS, x);
