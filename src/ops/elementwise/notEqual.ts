/** NotEqual: whether a and b differ, as bool. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const NOT_EQUAL = defineBinary({
  type: 'NotEqual',
  function: 'notEqual',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const notEqual = (a: Operand, b: Operand): Tensor => applyBinary(NOT_EQUAL, a, b);
