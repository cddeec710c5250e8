/** VariadicSplit: a tensor cut into parts along one axis. */
import { apply } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import { full } from '../../tensor/create.js';
import { DYNAMIC, formatShape, normalizeAxis, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { concat } from './concat.js';
import { requireAxis } from './gather.js';
import { slice } from './slice.js';

export interface SplitAttributes {
  /** May count from the end. */
  readonly axis: number;
  /** Extents of the parts; one may be -1, which is what the others leave. */
  readonly sizes: readonly number[];
}

/** The extents of the parts, with a -1 filled in where the axis is known. */
function resolveSizes(shape: Shape, axis: number, sizes: readonly number[]): number[] {
  const extent = shape[axis];
  const known = sizes.reduce((total, size) => total + (size === -1 ? 0 : size), 0);
  const open = sizes.filter((size) => size === -1).length;
  const fits = extent === DYNAMIC || (open === 0 ? known === extent : known <= extent);
  if (sizes.length === 0 || open > 1 || !fits || sizes.some((size) => !Number.isInteger(size) || size < -1)) {
    throw new ShapeError(
      'SPLIT_SIZES',
      `split: parts of [${sizes}] do not add up to the extent of axis ${axis} of ${formatShape(shape)}.`,
      { shape, axis, sizes },
    );
  }
  return sizes.map((size) => (size !== -1 ? size : extent === DYNAMIC ? DYNAMIC : extent - known));
}

export const VARIADIC_SPLIT = defineOperation<SplitAttributes>({
  type: 'VariadicSplit',
  infer([x], attributes) {
    const axis = requireAxis('split', attributes.axis, x);
    return resolveSizes(x.shape, axis, attributes.sizes).map((size) => ({
      shape: x.shape.map((extent, index) => (index === axis ? size : extent)),
      dtype: x.dtype,
    }));
  },
  decompose([x], attributes) {
    const axis = normalizeAxis(attributes.axis, x.rank, 'split');
    let start = 0;
    return resolveSizes(x.shape, axis, attributes.sizes).map((size) => {
      start += size;
      return slice(x, start - size, start, 1, axis);
    });
  },
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: 'opset1',
    constants: ({ axis, sizes }) => [
      { elementType: 'i64', shape: [], values: [axis] },
      { elementType: 'i64', shape: [sizes.length], values: sizes },
    ],
    tensorInputs: 1,
    parse: (_data, [[axis], sizes]) => ({ axis, sizes: [...sizes] }),
  },
});

export const gradientOfVariadicSplit: GradientRule<SplitAttributes> = ({ outputTypes, attributes }, gradients) => {
  const like = gradients.find((gradient) => gradient !== null);
  if (!like) return [null];
  const parts = gradients.map(
    (gradient, index) => gradient ?? full(outputTypes[index].shape, 0, { dtype: like.dtype, backend: like.backend }),
  );
  return [concat(parts, attributes.axis)];
};

function requireExtent(where: string, x: Tensor, axis: number): number {
  const extent = x.shape[requireAxis(where, axis, x)];
  if (extent === DYNAMIC) {
    throw new ShapeError(
      'DYNAMIC_SHAPE',
      `${where}: the number of parts along axis ${axis} of ${formatShape(x.shape)} is not known before the model runs. Give the sizes of the parts.`,
    );
  }
  return extent;
}

/**
 * Cuts `x` into parts. PyTorch's `split`.
 * @param sizeOrSizes The extent of every part (the last may be smaller), or that of each; one of a list may be -1.
 * @param axis Default: 0.
 */
export function split(x: Tensor, sizeOrSizes: number | readonly number[], axis = 0): Tensor[] {
  if (typeof sizeOrSizes !== 'number')
    return apply(VARIADIC_SPLIT, [x], { axis, sizes: [...sizeOrSizes] }, gradientOfVariadicSplit);
  if (!Number.isInteger(sizeOrSizes) || sizeOrSizes < 1) {
    throw new ShapeError(
      'SPLIT_SIZES',
      `split: the extent of the parts must be a whole number of at least 1, not ${sizeOrSizes}.`,
    );
  }
  const extent = requireExtent('split', x, axis);
  const count = Math.max(1, Math.ceil(extent / sizeOrSizes));
  const sizes = Array.from({ length: count }, (_, index) => Math.min(sizeOrSizes, extent - index * sizeOrSizes));
  return apply(VARIADIC_SPLIT, [x], { axis, sizes }, gradientOfVariadicSplit);
}

/** Cuts `x` into at most `count` parts of equal extent; the last may be smaller. PyTorch's `chunk`. @param axis Default: 0. */
export function chunk(x: Tensor, count: number, axis = 0): Tensor[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new ShapeError(
      'SPLIT_SIZES',
      `chunk: the number of parts must be a whole number of at least 1, not ${count}.`,
    );
  }
  return split(x, Math.max(1, Math.ceil(requireExtent('chunk', x, axis) / count)), axis);
}
