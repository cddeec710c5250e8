/** Multiply: the elementwise product. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const MULTIPLY = defineBinary({
  type: 'Multiply',
  function: 'multiply',
  saves: { inputs: [0, 1] },
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfMultiply: GradientRule<NoAttributes> = (context, [g]) =>
  [1, 0].map((other, index) =>
    g && context.needs(index) ? sumToShape(multiply(g, context.input(other)), context.inputTypes[index].shape) : null,
  );

export const multiply = (a: Operand, b: Operand): Tensor => applyBinary(MULTIPLY, a, b, gradientOfMultiply);
