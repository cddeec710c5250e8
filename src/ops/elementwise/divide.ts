/** Divide: the elementwise quotient. */

import type { GradientRule } from '../../autograd/operation.js';
import { isFloating } from '../../kernels/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';
import { cast } from './convert.js';
import { multiply } from './multiply.js';
import { negative } from './negative.js';

export const DIVIDE = defineBinary({
  type: 'Divide',
  function: 'divide',
  saves: { inputs: [1], outputs: [0] },
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfDivide: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null, null];
  const {
    inputTypes: [a, b],
  } = context;
  const da = divide(g, context.input(1));
  return [
    context.needs(0) ? sumToShape(da, a.shape) : null,
    context.needs(1) ? negative(sumToShape(multiply(da, context.output(0)), b.shape)) : null,
  ];
};

const floating = (operand: Operand): Operand =>
  typeof operand === 'number' || isFloating(operand.dtype) ? operand : cast(operand, 'float32');

/** The quotient a / b. Integers are divided as float32, as in PyTorch. */
export const divide = (a: Operand, b: Operand): Tensor =>
  applyBinary(DIVIDE, floating(a), floating(b), gradientOfDivide);
