/** What a model takes, and the check that it was given that. */
import { ShapeError, ValidationError } from '../errors.js';
import type { TensorType } from '../kernels/contract.js';
import { DYNAMIC, formatShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** An input of a model; extents of -1 may have any size. */
export interface ModelInput extends TensorType {
  readonly name: string;
}

/**
 * @throws ValidationError `INPUT_COUNT` for too few or too many tensors.
 * @throws ShapeError `INPUT_MISMATCH` for one of another shape or dtype.
 */
export function checkInputs(expected: readonly ModelInput[], given: readonly Tensor[]): void {
  if (given.length !== expected.length) {
    const names = expected.map(({ name }) => name).join(', ');
    throw new ValidationError(
      'INPUT_COUNT',
      `The model takes ${expected.length} ${expected.length === 1 ? 'input' : 'inputs'} (${names}), but was given ${given.length}.`,
      { expected: expected.length, given: given.length },
    );
  }
  expected.forEach(({ name, shape, dtype }, index) => {
    const tensor = given[index];
    const fits = (extent: number, axis: number) =>
      extent === tensor.shape[axis] || extent === DYNAMIC || tensor.shape[axis] === DYNAMIC;
    if (shape.length === tensor.rank && shape.every(fits) && dtype === tensor.dtype) return;
    throw new ShapeError(
      'INPUT_MISMATCH',
      `Input '${name}' takes ${dtype} ${formatShape(shape)}, but was given ${tensor.dtype} ${formatShape(tensor.shape)}.`,
      { expected: shape, given: tensor.shape },
    );
  });
}
