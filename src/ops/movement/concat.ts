/** Concat: tensors joined along one axis. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { DYNAMIC, formatShape, normalizeAxis } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireSameDType } from '../checks.js';
import { requireAxis } from './gather.js';
import { slice } from './slice.js';
import { unsqueeze } from './squeeze.js';

export interface ConcatAttributes {
  /** May count from the end. */
  readonly axis: number;
}

function joinedShape(inputs: readonly TensorType[], axis: number): number[] {
  const result = [...inputs[0].shape];
  for (const { shape } of inputs.slice(1)) {
    const fits =
      shape.length === result.length &&
      shape.every(
        (extent, index) =>
          index === axis || extent === result[index] || extent === DYNAMIC || result[index] === DYNAMIC,
      );
    if (!fits) {
      throw new ShapeError(
        'CONCAT_MISMATCH',
        `concat: shapes ${formatShape(inputs[0].shape)} and ${formatShape(shape)} differ on another axis than ${axis}.`,
        { left: inputs[0].shape, right: shape, axis },
      );
    }
    shape.forEach((extent, index) => {
      if (index !== axis) result[index] = result[index] === DYNAMIC ? extent : result[index];
      else result[index] = extent === DYNAMIC || result[index] === DYNAMIC ? DYNAMIC : result[index] + extent;
    });
  }
  return result;
}

export const CONCAT = defineOperation<ConcatAttributes>({
  type: 'Concat',
  infer(inputs, attributes) {
    const dtype = requireSameDType('concat', ...inputs);
    return [{ shape: joinedShape(inputs, requireAxis('concat', attributes.axis, inputs[0])), dtype }];
  },
  lower: ([first], { axis }) => kernelCall('concat', { axis: requireAxis('concat', axis, first) }),
  saves: {},
  quantization: { trait: 'concat' },
  openvino: {
    opset: 'opset1',
    data: ({ axis }) => ({ axis }),
    parse: (data) => ({ axis: data.number('axis') }),
  },
});

export const gradientOfConcat: GradientRule<ConcatAttributes> = ({ inputTypes, attributes, needs }, [g]) => {
  if (!g) return inputTypes.map(() => null);
  const axis = normalizeAxis(attributes.axis, g.rank, 'concat');
  let start = 0;
  return inputTypes.map(({ shape }, index) => {
    const stop = start + shape[axis];
    const part = needs(index) ? slice(g, start, stop, 1, axis) : null;
    start = stop;
    return part;
  });
};

function requireSome(where: string, tensors: readonly Tensor[]): void {
  if (tensors.length === 0) throw new ShapeError('NO_TENSORS', `${where} needs at least one tensor.`);
}

/** Joins tensors along an axis that they have. PyTorch's `cat`. @param axis Default: 0. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  requireSome('concat', tensors);
  return applyOne(CONCAT, tensors, { axis }, gradientOfConcat);
}

/** Joins tensors of one shape along a new axis at this place of the result. @param axis Default: 0. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  requireSome('stack', tensors);
  return concat(
    tensors.map((tensor) => unsqueeze(tensor, axis)),
    axis,
  );
}
