/** Less: a < b, as bool. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const LESS = defineBinary({
  type: 'Less',
  function: 'less',
  result: 'bool',
  quantization: { trait: 'inputsQuantizable' },
});

export const less = (a: Operand, b: Operand): Tensor => applyBinary(LESS, a, b);
