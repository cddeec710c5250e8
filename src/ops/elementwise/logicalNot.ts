/** LogicalNot: whether it does not hold. Takes and gives bool; numbers count as true unless they are zero. */
import type { Tensor } from '../../tensor/tensor.js';
import { cast } from './convert.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const LOGICAL_NOT = defineUnary({
  type: 'LogicalNot',
  function: 'logicalNot',
  domain: 'bool',
  openvino: plainForm('opset1'),
  quantization: { trait: 'inputsQuantizable' },
});

export const logicalNot = (x: Tensor): Tensor => applyUnary(LOGICAL_NOT, cast(x, 'bool'));
