/** Greater: a > b, as bool. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const GREATER = defineBinary({
  type: 'Greater',
  function: 'greater',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const greater = (a: Operand, b: Operand): Tensor => applyBinary(GREATER, a, b);
