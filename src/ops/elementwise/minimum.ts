/** Minimum: the smaller of two elements. NaN if either is. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';
import { extremumGradient } from './extremum.js';
import { less } from './less.js';

export const MINIMUM = defineBinary({
  type: 'Minimum',
  function: 'minimum',
  saves: { inputs: [0, 1] },
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfMinimum: GradientRule<NoAttributes> = (context, [g]) => extremumGradient(context, g, less);

export const minimum = (a: Operand, b: Operand): Tensor => applyBinary(MINIMUM, a, b, gradientOfMinimum);
