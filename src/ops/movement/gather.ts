/** Gather: slices of a tensor picked by index along one axis. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { DTypeError, ShapeError, UnsupportedError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { normalizeAxis } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireRank } from '../checks.js';
import { cast } from '../elementwise/convert.js';

export interface GatherAttributes {
  /** May count from the end. */
  readonly axis: number;
}

/** Checks that a tensor can index another one. */
export function requireIndices(where: string, { dtype }: TensorType): void {
  if (dtype !== 'int32') {
    throw new DTypeError(
      'INDEX_DTYPE',
      `${where}: the indices must be int32, but they are ${dtype}. Convert with .cast('int32').`,
      {
        dtype,
      },
    );
  }
}

/** Narrower whole numbers as the int32 that kernels take. */
export const asIndices = (indices: Tensor): Tensor =>
  indices.dtype === 'int8' || indices.dtype === 'uint8' ? cast(indices, 'int32') : indices;

/** An axis that may count from the end, of a tensor that has at least one. */
export function requireAxis(where: string, axis: number, { shape }: TensorType): number {
  if (shape.length === 0)
    throw new ShapeError('NO_AXES', `${where}: the tensor is a scalar; it has no axis ${axis}.`, { axis });
  return normalizeAxis(axis, shape.length, where);
}

export const GATHER = defineOperation<GatherAttributes>({
  type: 'Gather',
  infer([data, indices], attributes) {
    requireIndices('gather', indices);
    const axis = requireAxis('gather', attributes.axis, data);
    return [
      { shape: [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)], dtype: data.dtype },
    ];
  },
  lower: ([data], { axis }) => kernelCall('gather', { axis: requireAxis('gather', axis, data) }),
  saves: { inputs: [1] },
  quantization: {
    trait: 'quantizationAgnostic',
    ignoredPorts: [1],
    // Constant data is an embedding table.
    weights: { port: 0, channelAxis: ({ axis }, shape) => normalizeAxis(axis, shape.length, 'gather') },
  },
  openvino: {
    opset: () => 'opset8',
    data: () => ({ batch_dims: 0 }),
    constants: ({ axis }) => [{ elementType: 'i64', shape: [], values: [axis] }],
    tensorInputs: 2,
    parse(data, [[axis]]) {
      const batchAxes = data.number('batch_dims', 0);
      if (batchAxes !== 0) {
        throw new UnsupportedError(
          'GATHER_BATCH_DIMS',
          `Gather: batch_dims ${batchAxes} is not supported; only 0 is.`,
          {
            batchAxes,
          },
        );
      }
      return { axis };
    },
  },
});

export const gradientOfGather: GradientRule<GatherAttributes> = (context, [g]) => [
  g && applyOne(GATHER_GRADIENT, [g, context.input(1)], { ...context.attributes, shape: context.inputTypes[0].shape }),
  null,
];

/** Internal: it occurs in backward passes only. */
const GATHER_GRADIENT: OperationDefinition<GatherAttributes & { readonly shape: readonly number[] }> = {
  type: 'GatherGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower: (_inputs, { axis, shape }) =>
    kernelCall('gatherGradient', { axis: normalizeAxis(axis, shape.length, 'gather') }),
};

/**
 * Slices of `x` picked along `axis`: shape x[:axis] + indices + x[axis + 1:]. PyTorch's `index_select` for a vector of
 * indices, NumPy's `take`.
 * @param indices Whole numbers; negative ones count from the end. One outside the axis gives zeros, as in OpenVINO.
 * @param axis Default: 0.
 */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  applyOne(GATHER, [x, asIndices(indices)], { axis }, gradientOfGather);

/** PyTorch's `index_select`: `gather` with a vector of indices. */
export function indexSelect(x: Tensor, axis: number, indices: Tensor): Tensor {
  requireRank('indexSelect', indices, 1, 'the indices');
  return gather(x, indices, axis);
}
