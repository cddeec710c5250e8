/** Floor: the largest whole number that is not above x. The gradient is zero. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyUnary, defineUnary, plainForm, zeroGradient } from './unary.js';

export const FLOOR = defineUnary({
  type: 'Floor',
  function: 'floor',
  saves: 'nothing',
  openvino: plainForm('opset1'),
});

export const floor = (x: Tensor): Tensor => applyUnary(FLOOR, x, zeroGradient);
