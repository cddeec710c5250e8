/** Log: the natural logarithm. */
import type { Tensor } from '../../tensor/tensor.js';
import { divide } from './divide.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const LOG = defineUnary({
  type: 'Log',
  function: 'log',
  saves: 'x',
  gradient: (g, { x }) => divide(g, x),
  openvino: plainForm('opset1'),
});

export const log = (x: Tensor): Tensor => applyUnary(LOG, x);
