/** Reshape: the same values under another shape. Costs nothing; the values are shared. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import { formatShape, normalizeAxis, resolveReshape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

export interface ReshapeAttributes {
  /** Target shape; one extent may be -1. */
  readonly shape: readonly number[];
  /** Whether 0 in `shape` copies the input's extent at that index. */
  readonly specialZero: boolean;
}

export const RESHAPE = defineOperation<ReshapeAttributes>({
  type: 'Reshape',
  infer: ([x], { shape, specialZero }) => [
    { shape: resolveReshape(x.shape, shape, specialZero, 'reshape'), dtype: x.dtype },
  ],
  lower: () => 'alias',
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: () => 'opset1',
    data: ({ specialZero }) => ({ special_zero: specialZero }),
    constants: ({ shape }) => [{ elementType: 'i64', shape: [shape.length], values: shape }],
    tensorInputs: 1,
    parse: (data, [shape]) => ({ shape: [...shape], specialZero: data.boolean('special_zero') }),
  },
});

export const gradientOfReshape: GradientRule<ReshapeAttributes> = ({ inputTypes }, [g]) => [
  g && reshape(g, inputTypes[0].shape),
];

/**
 * The same values under another shape with as many elements. One extent may be -1. The result is a
 * value of its own: changing either tensor in place later does not change the other.
 */
export const reshape = (x: Tensor, shape: Shape): Tensor =>
  applyOne(RESHAPE, [x], { shape: [...shape], specialZero: false }, gradientOfReshape);

/**
 * Joins the axes from `startAxis` to `endAxis` (inclusive; may count from the end). PyTorch's `flatten`. A scalar
 * becomes a vector with one element.
 */
export function flatten(x: Tensor, startAxis = 0, endAxis = -1): Tensor {
  const { rank } = x;
  const start = normalizeAxis(startAxis, rank, 'flatten');
  const end = normalizeAxis(endAxis, rank, 'flatten');
  if (start > end) {
    throw new ShapeError(
      'FLATTEN_RANGE',
      `flatten: the first axis to join, ${startAxis}, comes after the last, ${endAxis}, in ${formatShape(x.shape)}.`,
      { shape: x.shape, startAxis, endAxis },
    );
  }
  // Zeros copy leading extents, so that a batch of any size passes through a recorded graph.
  const shape = [...x.shape.slice(0, start).map(() => 0), -1, ...x.shape.slice(end + 1)];
  return applyOne(RESHAPE, [x], { shape, specialZero: true }, gradientOfReshape);
}
