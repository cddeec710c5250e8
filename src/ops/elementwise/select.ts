/** Select: elements of one tensor or the other, by a condition. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { DTypeError } from '../../errors.js';
import { scalarLike } from '../../tensor/create.js';
import { broadcastShapes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { NO_ATTRIBUTES, type NoAttributes, requireSameDType } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { broadcastingForm, type Operand, promoteOperands } from './binary.js';

export const SELECT = defineOperation<NoAttributes>({
  type: 'Select',
  infer([condition, a, b]) {
    if (condition.dtype !== 'bool') {
      throw new DTypeError(
        'CONDITION_DTYPE',
        `where: the condition must be bool, but it is ${condition.dtype}. Compare it, as in notEqual(condition, 0).`,
        { dtype: condition.dtype },
      );
    }
    const dtype = requireSameDType('where', a, b);
    return [{ shape: broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape, 'where'), 'where'), dtype }];
  },
  lower: () => kernelCall('select', {}),
  saves: { inputs: [0] },
  openvino: broadcastingForm,
});

export const gradientOfSelect: GradientRule<NoAttributes> = (context, [g]) => {
  if (!g) return [null, null, null];
  const condition = context.input(0);
  const { inputTypes } = context;
  return [
    null,
    context.needs(1) ? sumToShape(where(condition, g, 0), inputTypes[1].shape) : null,
    context.needs(2) ? sumToShape(where(condition, 0, g), inputTypes[2].shape) : null,
  ];
};

/**
 * `a` where the condition holds, `b` elsewhere; the three broadcast. PyTorch's `where`.
 * @param condition A bool tensor.
 * @param a A tensor, or a number that takes the dtype of `b`. Two numbers give float32.
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const left = typeof a === 'number' && typeof b === 'number' ? scalarLike(condition, a, 'float32') : a;
  return applyOne(SELECT, [condition, ...promoteOperands('where', left, b)], NO_ATTRIBUTES, gradientOfSelect);
}
