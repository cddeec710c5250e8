/**
 * Rounding to a quantization grid that always holds zero: the kernel-level operations below the trained
 * quantizers. y = round((clamp(x, low, low + range) - low) s - z) / s with s = (levels - 1) / range and
 * z = round(-low s), half to even (NNCF's quantizer, docs/quantization.md).
 */
import { apply, applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { ShapeError, ValidationError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { formatShape, sameShape, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat, requireSameDType } from '../checks.js';

/** The integer codes of a quantizer. */
export interface CodeRange {
  /** Lowest code, such as -128, -127 or 0. */
  readonly levelLow: number;
  /** Highest code, such as 127 or 255. */
  readonly levelHigh: number;
}

/**
 * How the gradient of a quantizer's trained range is computed. `nncf`: as NNCF does, where the gradient of a symmetric
 * scale is that of the whole range, about half of the derivative inside the grid, and asymmetric parameters get theirs
 * as if zero were always in the range. `exact`: the derivative, with nothing but the rounding taken as the identity.
 */
export type RangeGradient = 'nncf' | 'exact';

export const levelsOf = ({ levelLow, levelHigh }: CodeRange): number => levelHigh - levelLow + 1;

/** Checks the parameters of a quantizer against the tensor it quantizes: one element, or one axis of the tensor. */
export function checkRangeShape(where: string, x: TensorType, parameter: TensorType): void {
  requireFloat(where, x, parameter);
  requireSameDType(where, x, parameter);
  const { shape } = parameter;
  if (shape.length <= 1 && sizeOf(shape) === 1) return;
  const axes = shape.flatMap((extent, axis) => (extent === 1 ? [] : [axis]));
  const fits =
    shape.length === x.shape.length &&
    axes.length <= 1 &&
    axes.every((axis) => shape[axis] === x.shape[axis] || x.shape[axis] === -1);
  if (!fits) {
    throw new ShapeError(
      'QUANTIZER_SHAPE',
      `${where}: quantizer parameters of shape ${formatShape(shape)} do not fit a tensor of shape ${formatShape(x.shape)}: ` +
        'they need one element, or the same number of axes with the extent of one axis and ones elsewhere.',
      { parameter: shape, tensor: x.shape },
    );
  }
}

export function checkCodeRange(where: string, { levelLow, levelHigh }: CodeRange): void {
  if (!Number.isInteger(levelLow) || !Number.isInteger(levelHigh) || levelHigh <= 0 || levelLow > 0) {
    throw new ValidationError(
      'QUANTIZER_LEVELS',
      `${where}: the codes ${levelLow} to ${levelHigh} must be whole numbers with levelLow <= 0 < levelHigh.`,
    );
  }
}

function infer([x, low, range]: readonly TensorType[]): TensorType[] {
  checkRangeShape('quantizeDequantize', x, low);
  checkRangeShape('quantizeDequantize', x, range);
  if (!sameShape(low.shape, range.shape)) {
    throw new ShapeError(
      'QUANTIZER_SHAPE',
      `quantizeDequantize: low ${formatShape(low.shape)} and range ${formatShape(range.shape)} must have the same shape.`,
    );
  }
  return [x];
}

/** Kernels take a one-element range as rank 1. */
const parameterShape = (shape: readonly number[]): readonly number[] => (shape.length === 0 ? [1] : shape);

export const QUANTIZE_DEQUANTIZE = defineOperation<CodeRange>({
  type: 'QuantizeDequantize',
  infer: (inputs) => infer(inputs).map(({ shape, dtype }) => ({ shape, dtype })),
  lower: ([x, low, range], codes) =>
    kernelCall(
      'fakeQuantize',
      { levels: levelsOf(codes) },
      { inputShapes: [x.shape, parameterShape(low.shape), parameterShape(range.shape)] },
    ),
  saves: { inputs: [0, 1, 2] },
});

export const gradientOfQuantizeDequantize: GradientRule<CodeRange> = (context, [g]) =>
  g
    ? quantizeGradients(g, context.input(0), context.input(1), context.input(2), context.attributes)
    : [null, null, null];

/** Rounds x to `levels` values from `low` to `low + range`. */
export const quantizeDequantize = (x: Tensor, low: Tensor, range: Tensor, codes: CodeRange): Tensor =>
  applyOne(QUANTIZE_DEQUANTIZE, [x, low, range], codes, gradientOfQuantizeDequantize);

const QUANTIZE_GRADIENT: OperationDefinition<CodeRange> = {
  type: 'QuantizeDequantizeGradient',
  infer: ([, x, low, range]) => [x, low, range].map(({ shape, dtype }) => ({ shape, dtype })),
  lower([g, x, low, range], codes) {
    const [lowShape, rangeShape] = [parameterShape(low.shape), parameterShape(range.shape)];
    return trainingCall(
      'fakeQuantizeGradient',
      { levels: levelsOf(codes), levelLow: codes.levelLow, levelHigh: codes.levelHigh },
      { inputShapes: [g.shape, x.shape, lowShape, rangeShape], outputShapes: [x.shape, lowShape, rangeShape] },
    );
  },
};

/** Straight-through gradients of x, low and range. */
export const quantizeGradients = (g: Tensor, x: Tensor, low: Tensor, range: Tensor, codes: CodeRange): Tensor[] =>
  apply(QUANTIZE_GRADIENT, [g, x, low, range], codes);

const QUANTIZE_CODES: OperationDefinition<CodeRange> = {
  type: 'QuantizeCodes',
  infer: (inputs) => [{ shape: infer(inputs)[0].shape, dtype: 'int32' }],
  lower: ([x, low, range], codes) =>
    kernelCall(
      'fakeQuantizeCodes',
      { levels: levelsOf(codes) },
      { inputShapes: [x.shape, parameterShape(low.shape), parameterShape(range.shape)] },
    ),
};

/** The integer codes (int32) that `quantizeDequantize` rounds to, counted from the value zero: y = code * range / (levels - 1). */
export const quantizeCodes = (x: Tensor, low: Tensor, range: Tensor, codes: CodeRange): Tensor =>
  applyOne(QUANTIZE_CODES, [x, low, range], codes);
