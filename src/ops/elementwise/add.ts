/** Add: the elementwise sum. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';

export const ADD = defineBinary({
  type: 'Add',
  function: 'add',
  saves: {},
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfAdd: GradientRule<NoAttributes> = ({ inputTypes, needs }, [g]) =>
  inputTypes.map(({ shape }, index) => (g && needs(index) ? sumToShape(g, shape) : null));

export const add = (a: Operand, b: Operand): Tensor => applyBinary(ADD, a, b, gradientOfAdd);
