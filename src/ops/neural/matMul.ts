/** MatMul: matrix product with batch broadcasting, by OpenVINO's and NumPy's rule for vectors and batches. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { broadcastShapes, DYNAMIC, formatShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireSameDType } from '../checks.js';
import { sumToShape } from '../movement/broadcast.js';
import { reshape } from '../movement/reshape.js';

export interface MatMulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The operands as matrices of equal rank: a vector becomes a row on the left, a column on the right. */
function asMatrices(a: Shape, b: Shape): { left: number[]; right: number[] } {
  let left = a.length === 1 ? [1, a[0]] : [...a];
  let right = b.length === 1 ? [b[0], 1] : [...b];
  const rank = Math.max(left.length, right.length);
  left = [...new Array<number>(rank - left.length).fill(1), ...left];
  right = [...new Array<number>(rank - right.length).fill(1), ...right];
  return { left, right };
}

/** Transposition is ignored for vectors. */
const effective = ([a, b]: readonly TensorType[], { transposeA, transposeB }: MatMulAttributes): MatMulAttributes => ({
  transposeA: transposeA && a.shape.length > 1,
  transposeB: transposeB && b.shape.length > 1,
});

function matrixShape(inputs: readonly TensorType[], attributes: MatMulAttributes): number[] {
  const [a, b] = inputs;
  if (a.shape.length === 0 || b.shape.length === 0)
    throw new ShapeError('RANK_MISMATCH', 'matMul needs tensors with at least one axis; multiply() takes scalars.');
  const { transposeA, transposeB } = effective(inputs, attributes);
  const { left, right } = asMatrices(a.shape, b.shape);
  const [m, ka] = transposeA ? [left[left.length - 1], left[left.length - 2]] : left.slice(-2);
  const [kb, n] = transposeB ? [right[right.length - 1], right[right.length - 2]] : right.slice(-2);
  if (ka !== kb && ka !== DYNAMIC && kb !== DYNAMIC) {
    throw new ShapeError(
      'MATMUL_MISMATCH',
      `matMul: ${formatShape(a.shape)}${transposeA ? ' (transposed)' : ''} and ${formatShape(b.shape)}${transposeB ? ' (transposed)' : ''} do not fit: ` +
        `the inner extents are ${ka} and ${kb}.`,
      { left: a.shape, right: b.shape },
    );
  }
  return [...broadcastShapes(left.slice(0, -2), right.slice(0, -2), 'matMul'), m, n];
}

export const MATMUL = defineOperation<MatMulAttributes>({
  type: 'MatMul',
  infer(inputs, attributes) {
    const dtype = requireSameDType('matMul', ...inputs);
    const shape = matrixShape(inputs, attributes);
    if (inputs[0].shape.length === 1) shape.splice(-2, 1);
    if (inputs[1].shape.length === 1) shape.splice(-1, 1);
    return [{ shape, dtype }];
  },
  lower(inputs, attributes) {
    const { left, right } = asMatrices(inputs[0].shape, inputs[1].shape);
    return kernelCall('matMul', effective(inputs, attributes), {
      inputShapes: [left, right],
      outputShapes: [matrixShape(inputs, attributes)],
    });
  },
  saves: { inputs: [0, 1] },
  quantization: {
    trait: 'inputsQuantizable',
    weights: { port: 1, channelAxis: ({ transposeB }, shape) => shape.length - (transposeB ? 2 : 1) },
  },
  openvino: {
    opset: () => 'opset1',
    data: ({ transposeA, transposeB }) => ({ transpose_a: transposeA, transpose_b: transposeB }),
    parse: (data) => ({ transposeA: data.boolean('transpose_a'), transposeB: data.boolean('transpose_b') }),
  },
});

export const gradientOfMatmul: GradientRule<MatMulAttributes> = (context, [g]) => {
  if (!g) return [null, null];
  const { inputTypes, attributes } = context;
  const { transposeA, transposeB } = effective(inputTypes, attributes);
  const { left, right } = asMatrices(inputTypes[0].shape, inputTypes[1].shape);
  const gradient = reshape(g, matrixShape(inputTypes, attributes));
  const a = () => reshape(context.input(0), left);
  const b = () => reshape(context.input(1), right);
  const restore = (result: Tensor, matrix: Shape, index: number) =>
    reshape(sumToShape(result, matrix), inputTypes[index].shape);
  return [
    context.needs(0)
      ? restore(
          transposeA
            ? matMul(b(), gradient, { transposeA: transposeB, transposeB: true })
            : matMul(gradient, b(), { transposeB: !transposeB }),
          left,
          0,
        )
      : null,
    context.needs(1)
      ? restore(
          transposeB
            ? matMul(gradient, a(), { transposeA: true, transposeB: transposeA })
            : matMul(a(), gradient, { transposeA: !transposeA }),
          right,
          1,
        )
      : null,
  ];
};

/** Matrix product over the last two axes; leading axes broadcast. A vector is a row on the left and a column on the right. */
export const matMul = (a: Tensor, b: Tensor, options: Partial<MatMulAttributes> = {}): Tensor =>
  applyOne(
    MATMUL,
    [a, b],
    { transposeA: options.transposeA ?? false, transposeB: options.transposeB ?? false },
    gradientOfMatmul,
  );
