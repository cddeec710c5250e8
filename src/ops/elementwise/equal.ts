/** Equal: a = b, as bool. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const EQUAL = defineBinary({
  type: 'Equal',
  function: 'equal',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const equal = (a: Operand, b: Operand): Tensor => applyBinary(EQUAL, a, b);
