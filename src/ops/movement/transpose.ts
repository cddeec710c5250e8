/** Transpose: the axes in another order. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, kernelCall } from '../../autograd/operation.js';
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
  gradient({ attributes: { order } }, [g]) {
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return [g && permute(g, inverse)];
  },
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

/** The axes in the given order; they may count from the end. PyTorch's `permute`. */
export const permute = (x: Tensor, order: readonly number[]): Tensor =>
  applyOne(TRANSPOSE, [x], { order: order.map((axis) => normalizeAxis(axis, x.rank, 'transpose')) });

/** The axes in the given order (default: reversed), as NumPy's `transpose` and TensorFlow.js's. */
export const transpose = (x: Tensor, order?: readonly number[]): Tensor =>
  permute(x, order ?? x.shape.map((_, axis) => x.rank - 1 - axis));

/** Two axes exchanged. PyTorch's `transpose(x, a, b)`. */
export function swapAxes(x: Tensor, first: number, second: number): Tensor {
  const [a, b] = [first, second].map((axis) => normalizeAxis(axis, x.rank, 'swapAxes'));
  return permute(
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  );
}
