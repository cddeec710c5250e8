/** GatherElements: one element per index, along one axis. PyTorch's `gather`. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import { DYNAMIC, formatShape, normalizeAxis } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { asIndices, type GatherAttributes, requireAxis, requireIndices } from './gather.js';

export const GATHER_ELEMENTS = defineOperation<GatherAttributes>({
  type: 'GatherElements',
  infer([data, indices], attributes) {
    requireIndices('gatherElements', indices);
    const axis = requireAxis('gatherElements', attributes.axis, data);
    const fits =
      indices.shape.length === data.shape.length &&
      indices.shape.every(
        (extent, index) =>
          index === axis || extent === data.shape[index] || extent === DYNAMIC || data.shape[index] === DYNAMIC,
      );
    if (!fits) {
      throw new ShapeError(
        'GATHER_SHAPE',
        `gatherElements: indices of shape ${formatShape(indices.shape)} do not fit data of shape ${formatShape(data.shape)}: ` +
          `every extent but that of axis ${axis} must be the same.`,
        { data: data.shape, indices: indices.shape, axis },
      );
    }
    return [{ shape: indices.shape, dtype: data.dtype }];
  },
  lower: ([data], { axis }) => kernelCall('gatherElements', { axis: requireAxis('gatherElements', axis, data) }),
  saves: { inputs: [1] },
  quantization: { trait: 'quantizationAgnostic', ignoredPorts: [1] },
  openvino: {
    opset: () => 'opset6',
    data: ({ axis }) => ({ axis }),
    parse: (data) => ({ axis: data.number('axis') }),
  },
});

export const gradientOfGatherElements: GradientRule<GatherAttributes> = (context, [g]) => [
  g && gatherElementsGradient(g, context.input(1), context.attributes.axis, context.inputTypes[0].shape),
  null,
];

/** Internal: it occurs in backward passes only. */
const GATHER_ELEMENTS_GRADIENT: OperationDefinition<GatherAttributes & { readonly shape: readonly number[] }> = {
  type: 'GatherElementsGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower: (_inputs, { axis, shape }) =>
    kernelCall('gatherElementsGradient', { axis: normalizeAxis(axis, shape.length, 'gatherElements') }),
};

/** Zeros of `shape` with `g` added where `gatherElements` reads. For gradients of other operations that pick elements. */
export const gatherElementsGradient = (g: Tensor, indices: Tensor, axis: number, shape: readonly number[]): Tensor =>
  applyOne(GATHER_ELEMENTS_GRADIENT, [g, indices], { axis, shape });

/**
 * Along `axis`, the element that each index names: y[.., i, ..] = x[.., indices[.., i, ..], ..]. PyTorch's `gather`.
 * @param indices Whole numbers, of x's shape except along `axis`; negative ones count from the end.
 */
export const gatherElements = (x: Tensor, indices: Tensor, axis: number): Tensor =>
  applyOne(GATHER_ELEMENTS, [x, asIndices(indices)], { axis }, gradientOfGatherElements);
