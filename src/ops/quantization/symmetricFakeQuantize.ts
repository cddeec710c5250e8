/**
 * SymmetricFakeQuantize: a quantizer with one trained parameter, `scale`, the largest value of the grid.
 * NNCF's SymmetricQuantizer: low = s levelLow / levelHigh with s = |scale| + 1e-16, range = s - low.
 */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs } from '../elementwise/abs.js';
import { add } from '../elementwise/add.js';
import { multiply } from '../elementwise/multiply.js';
import { sign } from '../elementwise/sign.js';
import { subtract } from '../elementwise/subtract.js';
import {
  type CodeRange,
  checkCodeRange,
  checkRangeShape,
  levelsOf,
  QUANTIZE_DEQUANTIZE,
  quantizeCodes,
  quantizeGradients,
  type RangeGradient,
} from './quantizeDequantize.js';

/** Keeps a scale from being exactly zero, as NNCF does. */
export const SCALE_EPSILON = 1e-16;

export interface SymmetricFakeQuantizeAttributes extends CodeRange {
  /** False: the quantizer lets its input through. Default: true. */
  readonly enabled?: boolean;
  /** Rule for the gradient of the scale. Default: `nncf`. */
  readonly rangeGradient?: RangeGradient;
}

/** Lower end and width of the grid. */
export function symmetricRange(scale: Tensor, { levelLow, levelHigh }: CodeRange): { low: Tensor; range: Tensor } {
  const safe = add(abs(scale), SCALE_EPSILON);
  const low = multiply(safe, levelLow / levelHigh);
  return { low, range: subtract(safe, low) };
}

export const SYMMETRIC_FAKE_QUANTIZE = defineOperation<SymmetricFakeQuantizeAttributes>({
  type: 'SymmetricFakeQuantize',
  infer([x, scale], attributes) {
    checkCodeRange('symmetricFakeQuantize', attributes);
    checkRangeShape('symmetricFakeQuantize', x, scale);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  decompose([x, scale], attributes) {
    const { low, range } = symmetricRange(scale, attributes);
    // The rule of the whole stands for the gradient of the part.
    return [applyOne(QUANTIZE_DEQUANTIZE, [x, low, range], attributes)];
  },
  bypass: ({ enabled }) => enabled === false,
  saves: { inputs: [0, 1] },
});

export const gradientOfSymmetricFakeQuantize: GradientRule<SymmetricFakeQuantizeAttributes> = (context, [g]) => {
  if (!g) return [null, null];
  const { attributes } = context;
  const scale = context.input(1);
  const { low, range } = symmetricRange(scale, attributes);
  const x = context.input(0);
  if (attributes.rangeGradient === 'exact') {
    // The chain rule over low = k s and range = (1 - k) s. With codes from 0, the kernel gives values below the grid
    // no share in the gradient of the range: there y = low.
    const [dx, dlow, drange] = quantizeGradients(g, x, low, range, {
      levelLow: 0,
      levelHigh: levelsOf(attributes) - 1,
    });
    const ratio = attributes.levelLow / attributes.levelHigh;
    return [dx, multiply(add(multiply(drange, 1 - ratio), multiply(dlow, ratio)), sign(scale))];
  }
  const [dx, , drange] = quantizeGradients(g, x, low, range, attributes);
  // NNCF's rule: the gradient of the range is the scale's as it is, although range = s (1 - levelLow / levelHigh).
  return [dx, multiply(drange, sign(scale))];
};

/** Rounds x to the grid of `scale`, of one element or one axis of x. */
export const symmetricFakeQuantize = (x: Tensor, scale: Tensor, attributes: SymmetricFakeQuantizeAttributes): Tensor =>
  applyOne(SYMMETRIC_FAKE_QUANTIZE, [x, scale], attributes, gradientOfSymmetricFakeQuantize);

/** The integer codes that `symmetricFakeQuantize` rounds to, levelLow to levelHigh, as int32. */
export function symmetricCodes(x: Tensor, scale: Tensor, codes: CodeRange): Tensor {
  const { low, range } = symmetricRange(scale, codes);
  return quantizeCodes(x, low, range, codes);
}
