/** Transpose: the axes in another order. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import { formatShape, normalizeAxis } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

export interface TransposeAttributes {
  /** For each axis of the result, the axis of the input that it is. */
  readonly order: readonly number[];
}

export const TRANSPOSE = defineOperation<TransposeAttributes>({
  type: 'Transpose',
  infer([x], { order }) {
    const { shape } = x;
    if (order.length !== shape.length || !shape.every((_, axis) => order.includes(axis))) {
      throw new ShapeError(
        'TRANSPOSE_ORDER',
        `transpose: the order [${order}] must name every axis of ${formatShape(shape)} once.`,
        { shape, order },
      );
    }
    return [{ shape: order.map((axis) => shape[axis]), dtype: x.dtype }];
  },
  lower: (_inputs, { order }) => kernelCall('transpose', { order }),
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: 'opset1',
    constants: ({ order }) => [{ elementType: 'i64', shape: [order.length], values: order }],
    tensorInputs: 1,
    // An empty order reverses the axes.
    parse: (_data, [order], [x]) => ({
      order: order.length > 0 ? [...order] : x.shape.map((_, axis) => axis).reverse(),
    }),
  },
});

export const gradientOfTranspose: GradientRule<TransposeAttributes> = ({ attributes: { order } }, [g]) => {
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return [g && permute(g, inverse)];
};

/** The axes in the given order; they may count from the end. PyTorch's `permute`. */
export const permute = (x: Tensor, order: readonly number[]): Tensor =>
  applyOne(
    TRANSPOSE,
    [x],
    { order: order.map((axis) => normalizeAxis(axis, x.rank, 'transpose')) },
    gradientOfTranspose,
  );

/** Two axes exchanged. */
function swapAxes(x: Tensor, first: number, second: number): Tensor {
  const [a, b] = [first, second].map((axis) => normalizeAxis(axis, x.rank, 'transpose'));
  return permute(
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  );
}

/** The axes in the given order (default: reversed), as NumPy's `transpose`. */
export function transpose(x: Tensor, order?: readonly number[]): Tensor;
/** Two axes exchanged, as PyTorch's `transpose`. */
export function transpose(x: Tensor, first: number, second: number): Tensor;
export function transpose(x: Tensor, order?: number | readonly number[], second?: number): Tensor {
  if (typeof order === 'number') return swapAxes(x, order, second ?? order);
  return permute(x, order ?? x.shape.map((_, axis) => x.rank - 1 - axis));
}
