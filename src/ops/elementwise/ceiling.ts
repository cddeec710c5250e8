/** Ceiling: the smallest whole number that is not below x. The gradient is zero. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyUnary, defineUnary, plainForm, zeroGradient } from './unary.js';

export const CEILING = defineUnary({
  type: 'Ceiling',
  function: 'ceiling',
  saves: 'nothing',
  openvino: plainForm('opset1'),
});

export const ceiling = (x: Tensor): Tensor => applyUnary(CEILING, x, zeroGradient);
