/**
 * In-place operations. Values themselves never change: the tensor gets another storage and a higher version, which
 * a backward pass that saved the old one notices. A tensor that takes part in a gradient is not changed in place
 * while gradients are recorded; PyTorch forbids it for leaves, and for results a new tensor says the same.
 */
import { isGradEnabled, noGrad } from '../autograd/gradMode.js';
import { AutogradError } from '../errors.js';
import { isFloating } from '../kernels/dtype.js';
import { full } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { add } from './elementwise/add.js';
import type { Operand } from './elementwise/binary.js';
import { cast } from './elementwise/convert.js';
import { divide } from './elementwise/divide.js';
import { multiply } from './elementwise/multiply.js';
import { subtract } from './elementwise/subtract.js';
import { broadcastTo } from './movement/broadcast.js';

function checkInPlace(name: string, target: Tensor, sources: readonly Operand[]): void {
  if (!isGradEnabled()) return;
  if (target.requiresGrad) {
    throw new AutogradError(
      target.isLeaf ? 'IN_PLACE_LEAF' : 'IN_PLACE_RESULT',
      target.isLeaf
        ? `${name}: a leaf that requires a gradient cannot be changed in place while gradients are recorded. Wrap the change in noGrad(() => ...).`
        : `${name}: a result that gradients flow through cannot be changed in place. Make a new tensor instead, or detach() it first.`,
    );
  }
  if (sources.some((source) => typeof source !== 'number' && source.requiresGrad)) {
    throw new AutogradError(
      'IN_PLACE_GRADIENT',
      `${name}: values that require a gradient would lose it in a tensor that does not. Make a new tensor instead, or detach() them first.`,
    );
  }
}

function change(name: string, target: Tensor, sources: readonly Operand[], compute: () => Tensor): Tensor {
  checkInPlace(name, target, sources);
  const result = noGrad(compute);
  return target.assign_(
    isFloating(target.dtype) && isFloating(result.dtype) ? noGrad(() => cast(result, target.dtype)) : result,
  );
}

/** target += other. */
export const add_ = (target: Tensor, other: Operand): Tensor =>
  change('add_', target, [other], () => add(target, other));

/** target -= other. */
export const subtract_ = (target: Tensor, other: Operand): Tensor =>
  change('sub_', target, [other], () => subtract(target, other));

/** target *= other. */
export const multiply_ = (target: Tensor, other: Operand): Tensor =>
  change('mul_', target, [other], () => multiply(target, other));

/** target /= other. */
export const divide_ = (target: Tensor, other: Operand): Tensor =>
  change('div_', target, [other], () => divide(target, other));

/** Sets every element to one value. */
export const fill_ = (target: Tensor, value: number): Tensor =>
  change('fill_', target, [], () => full(target.shape, value, { dtype: target.dtype, backend: target.backend }));

/** Takes the values of another tensor, broadcast and converted. */
export const copy_ = (target: Tensor, source: Tensor): Tensor =>
  change('copy_', target, [source], () => cast(broadcastTo(source, target.shape), target.dtype));
