/** Power: a to the power of b, elementwise. */

import type { GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { NoAttributes } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { applyBinary, defineBinary, type Operand } from './binary.js';
import { equal } from './equal.js';
import { greaterEqual } from './greaterEqual.js';
import { log } from './log.js';
import { logicalAnd } from './logicalAnd.js';
import { multiply } from './multiply.js';
import { where } from './select.js';
import { subtract } from './subtract.js';

export const POWER = defineBinary({
  type: 'Power',
  function: 'power',
  saves: { inputs: [0, 1], outputs: [0] },
  quantization: { trait: 'inputsQuantizable' },
});

export const gradientOfPower: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null, null];
  const [base, exponent] = [context.input(0), context.input(1)];
  const byBase = (): Tensor => {
    const slope = multiply(exponent, power(base, subtract(exponent, 1)));
    // A constant is flat at zero too, where the formula would give 0 / 0.
    return multiply(g, where(equal(exponent, 0), 0, slope));
  };
  const byExponent = (): Tensor => {
    // Zero stays zero whatever the exponent, although its logarithm is infinite.
    const constant = logicalAnd(equal(base, 0), greaterEqual(exponent, 0));
    return multiply(g, where(constant, 0, multiply(context.output(0), log(base))));
  };
  return [
    context.needs(0) ? sumToShape(byBase(), context.inputTypes[0].shape) : null,
    context.needs(1) ? sumToShape(byExponent(), context.inputTypes[1].shape) : null,
  ];
};

/** a to the power of b. NaN for a negative base with a fractional exponent. */
export const power = (a: Operand, b: Operand): Tensor => applyBinary(POWER, a, b, gradientOfPower);

export const square = (x: Tensor): Tensor => multiply(x, x);

/** 1 / sqrt(x). */
export const rsqrt = (x: Tensor): Tensor => power(x, -0.5);

/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => power(x, -1);
