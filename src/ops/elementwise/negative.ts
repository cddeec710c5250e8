/** Negative: -x. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const NEGATIVE = defineUnary({
  type: 'Negative',
  function: 'negative',
  domain: 'number',
  gradient: (g) => negative(g),
  openvino: plainForm('opset1'),
});

export const negative = (x: Tensor): Tensor => applyUnary(NEGATIVE, x);
