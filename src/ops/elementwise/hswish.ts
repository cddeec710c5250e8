/** HSwish: x min(max(x + 3, 0), 6) / 6 (Howard et al., "Searching for MobileNetV3", 2019). PyTorch's Hardswish. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { add } from './add.js';
import { greaterEqual } from './greaterEqual.js';
import { lessEqual } from './lessEqual.js';
import { multiply } from './multiply.js';
import { where } from './select.js';
import { applyUnary, defineUnary, plainForm } from './unary.js';

export const HSWISH = defineUnary({
  type: 'HSwish',
  function: 'hswish',
  saves: 'x',
  openvino: plainForm('opset4'),
});

export const gradientOfHswish: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null];
  const x = context.input(0);
  const middle = multiply(g, add(multiply(x, 1 / 3), 0.5));
  return [where(greaterEqual(x, 3), g, where(lessEqual(x, -3), 0, middle))];
};

export const hswish = (x: Tensor): Tensor => applyUnary(HSWISH, x, gradientOfHswish);
