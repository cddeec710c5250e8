/** HSigmoid: min(max(x + 3, 0), 6) / 6. PyTorch's Hardsigmoid. */
import type { Tensor } from '../../tensor/tensor.js';
import { abs } from './abs.js';
import { less } from './less.js';
import { multiply } from './multiply.js';
import { where } from './select.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const HSIGMOID = defineUnary({
  type: 'HSigmoid',
  function: 'hsigmoid',
  saves: 'x',
  gradient: (g, { x }) => where(less(abs(x), 3), multiply(g, 1 / 6), 0),
  openvino: plainForm('opset5'),
});

export const hsigmoid = (x: Tensor): Tensor => applyUnary(HSIGMOID, x);
