/** The gradient that Maximum and Minimum share: to the operand that won, in halves at ties, as in PyTorch. */
import type { Tensor } from '../../tensor/tensor.js';
import { sumToShape } from '../movement/broadcast.js';
import type { BinaryContext, Operand } from './binary.js';
import { equal } from './equal.js';
import { multiply } from './multiply.js';
import { where } from './select.js';

/** @param wins Whether its first argument is chosen over its second. */
export function extremumGradient(
  context: BinaryContext,
  gradient: Tensor | null,
  wins: (a: Operand, b: Operand) => Tensor,
): (Tensor | null)[] {
  if (!gradient) return [null, null];
  const operands = [context.input(0), context.input(1)];
  const shared = where(equal(operands[0], operands[1]), multiply(gradient, 0.5), 0);
  return operands.map((operand, index) =>
    context.needs(index)
      ? sumToShape(where(wins(operand, operands[1 - index]), gradient, shared), context.inputTypes[index].shape)
      : null,
  );
}
