/** Mish: x tanh(softplus(x)) (Misra, 2019). */
import type { Tensor } from '../../tensor/tensor.js';
import { add } from './add.js';
import { multiply } from './multiply.js';
import { sigmoid } from './sigmoid.js';
import { softplus } from './softplus.js';
import { subtract } from './subtract.js';
import { tanh } from './tanh.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const MISH = defineUnary({
  type: 'Mish',
  function: 'mish',
  saves: 'x',
  gradient(g, { x }) {
    const t = tanh(softplus(x));
    return multiply(g, add(t, multiply(multiply(x, sigmoid(x)), subtract(1, multiply(t, t)))));
  },
  openvino: plainForm('opset4'),
});

export const mish = (x: Tensor): Tensor => applyUnary(MISH, x);
