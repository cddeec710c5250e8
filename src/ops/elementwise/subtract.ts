/** Subtract: the elementwise difference. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';
import { negative } from './negative.js';

export const SUBTRACT = defineBinary({
  type: 'Subtract',
  function: 'subtract',
  saves: {},
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfSubtract: GradientRule<NoAttributes> = ({ inputTypes: [a, b], needs }, [g]) => [
  g && needs(0) ? sumToShape(g, a.shape) : null,
  // Summed first: fewer elements to negate.
  g && needs(1) ? negative(sumToShape(g, b.shape)) : null,
];

export const subtract = (a: Operand, b: Operand): Tensor => applyBinary(SUBTRACT, a, b, gradientOfSubtract);
