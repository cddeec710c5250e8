/** What ReduceMax and ReduceMin share. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import { formatShape, reducedShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireDomain } from '../checks.js';
import { cast } from '../elementwise/convert.js';
import { divide } from '../elementwise/divide.js';
import { equal } from '../elementwise/equal.js';
import { multiply } from '../elementwise/multiply.js';
import { sum } from '../movement/broadcast.js';
import { reshape } from '../movement/reshape.js';
import { type ReduceAttributes, reduceForm } from './form.js';

export const defineExtremum = (type: string, name: 'max' | 'min'): OperationDefinition<ReduceAttributes> =>
  defineOperation<ReduceAttributes>({
    type,
    infer([x], { axes, keepDims }) {
      requireDomain(name, 'number', x);
      if (axes.some((axis) => x.shape[axis] === 0)) {
        throw new ShapeError(
          'EMPTY_REDUCTION',
          `${name}: axes [${axes}] of ${formatShape(x.shape)} have no elements to choose from.`,
          { shape: x.shape, axes },
        );
      }
      return [{ shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype }];
    },
    lower: (_inputs, { axes }) => kernelCall('reduce', { function: name, axes }),
    saves: { inputs: [0], outputs: [0] },
    quantization: { trait: 'quantizationAgnostic' },
    openvino: reduceForm,
  });

/** The gradient goes to the elements that attain the extremum, in equal parts, as PyTorch's `amax`. */
export const gradientOfExtremum: GradientRule<ReduceAttributes> = (context, [g]) => {
  if (!g) return [null];
  const { axes } = context.attributes;
  const kept = reducedShape(context.inputTypes[0].shape, axes, true);
  const attained = cast(equal(context.input(0), reshape(context.output(0), kept)), g.dtype);
  return [multiply(attained, divide(reshape(g, kept), sum(attained, axes, true)))];
};

/** Applies a reduction to normalized axes. */
export const applyExtremum = (
  definition: OperationDefinition<ReduceAttributes>,
  x: Tensor,
  axes: readonly number[],
  keepDims: boolean,
): Tensor => applyOne(definition, [x], { axes, keepDims }, gradientOfExtremum);
