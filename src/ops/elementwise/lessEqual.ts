/** LessEqual: a <= b, as bool. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const LESS_EQUAL = defineBinary({
  type: 'LessEqual',
  function: 'lessEqual',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const lessEqual = (a: Operand, b: Operand): Tensor => applyBinary(LESS_EQUAL, a, b);
