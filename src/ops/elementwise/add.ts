/** Add: the elementwise sum. */
import type { Tensor } from '../../tensor/tensor.js';
import { sumToShape } from '../movement/broadcast.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const ADD = defineBinary({
  type: 'Add',
  function: 'add',
  gradient: ({ inputTypes, needs }, [g]) =>
    inputTypes.map(({ shape }, index) => (g && needs(index) ? sumToShape(g, shape) : null)),
  quantization: { trait: 'inputsQuantizable' },
});

export const add = (a: Operand, b: Operand): Tensor => applyBinary(ADD, a, b);
