/** Minimum: the smaller of two elements. NaN if either is. */
import type { Tensor } from '../../tensor/tensor.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';
import { extremumGradient } from './extremum.js';
import { less } from './less.js';

export const MINIMUM = defineBinary({
  type: 'Minimum',
  function: 'minimum',
  saves: { inputs: [0, 1] },
  gradient: (context, [g]) => extremumGradient(context, g, less),
  quantization: { trait: 'inputsQuantizable' },
});

export const minimum = (a: Operand, b: Operand): Tensor => applyBinary(MINIMUM, a, b);
