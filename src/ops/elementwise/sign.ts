/** Sign: -1, 0 or 1. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyUnary, defineUnary, plainForm, zeroGradient } from './unary.js';

export const SIGN = defineUnary({
  type: 'Sign',
  function: 'sign',
  domain: 'number',
  saves: 'nothing',
  openvino: plainForm('opset1'),
});

export const sign = (x: Tensor): Tensor => applyUnary(SIGN, x, zeroGradient);
