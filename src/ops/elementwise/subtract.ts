/** Subtract: the elementwise difference. */
import type { Tensor } from '../../tensor/tensor.js';
import { sumToShape } from '../movement/broadcast.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';
import { negative } from './negative.js';

export const SUBTRACT = defineBinary({
  type: 'Subtract',
  function: 'subtract',
  gradient: ({ inputTypes: [a, b], needs }, [g]) => [
    g && needs(0) ? sumToShape(g, a.shape) : null,
    // Summed first: fewer elements to negate.
    g && needs(1) ? negative(sumToShape(g, b.shape)) : null,
  ],
  quantization: { trait: 'inputsQuantizable' },
});

export const subtract = (a: Operand, b: Operand): Tensor => applyBinary(SUBTRACT, a, b);
