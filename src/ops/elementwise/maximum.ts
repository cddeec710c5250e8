/** Maximum: the larger of two elements. NaN if either is. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';
import { extremumGradient } from './extremum.js';
import { greater } from './greater.js';

export const MAXIMUM = defineBinary({
  type: 'Maximum',
  function: 'maximum',
  saves: { inputs: [0, 1] },
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfMaximum: GradientRule<NoAttributes> = (context, [g]) => extremumGradient(context, g, greater);

export const maximum = (a: Operand, b: Operand): Tensor => applyBinary(MAXIMUM, a, b, gradientOfMaximum);
