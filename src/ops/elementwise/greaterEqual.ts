/** GreaterEqual: a >= b, as bool. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const GREATER_EQUAL = defineBinary({
  type: 'GreaterEqual',
  function: 'greaterEqual',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const greaterEqual = (a: Operand, b: Operand): Tensor => applyBinary(GREATER_EQUAL, a, b);
