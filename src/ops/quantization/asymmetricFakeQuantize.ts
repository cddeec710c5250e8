/**
 * AsymmetricFakeQuantize: a quantizer with two trained parameters, `inputLow` and `inputRange`.
 * NNCF's AsymmetricQuantizer: the range is first widened so that zero is exactly on the grid (`tuneRange`);
 * gradients pass straight through the tuning.
 */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule } from '../../autograd/operation.js';
import { scalarLike } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs } from '../elementwise/abs.js';
import { add } from '../elementwise/add.js';
import { divide } from '../elementwise/divide.js';
import { greater } from '../elementwise/greater.js';
import { less } from '../elementwise/less.js';
import { maximum } from '../elementwise/maximum.js';
import { minimum } from '../elementwise/minimum.js';
import { multiply } from '../elementwise/multiply.js';
import { negative } from '../elementwise/negative.js';
import { round } from '../elementwise/round.js';
import { where } from '../elementwise/select.js';
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
import { SCALE_EPSILON } from './symmetricFakeQuantize.js';

export interface AsymmetricFakeQuantizeAttributes extends CodeRange {
  /** False: the quantizer lets its input through. Default: true. */
  readonly enabled?: boolean;
  /** Rule for the gradients of the range. Default: `nncf`. */
  readonly rangeGradient?: RangeGradient;
}

/**
 * Widens [low, low + range] until it holds zero, exactly on the grid (NNCF's `tune_range`): of moving the
 * lower or the upper end, the one that gives the wider range is taken, so a range only ever grows.
 */
export function tuneRange(inputLow: Tensor, inputRange: Tensor, levels: number): { low: Tensor; range: Tensor } {
  const n = levels - 1;
  const high = maximum(add(inputRange, inputLow), 0);
  const low = minimum(inputLow, 0);
  const zeroPoint = round(multiply(negative(low), divide(scalarLike(low, n), subtract(high, low))));
  const lowCandidate = where(less(zeroPoint, n), multiply(divide(zeroPoint, subtract(zeroPoint, n)), high), low);
  const highCandidate = where(greater(zeroPoint, 0), multiply(divide(subtract(zeroPoint, n), zeroPoint), low), high);
  const moveLow = greater(subtract(high, lowCandidate), subtract(highCandidate, low));
  const tunedLow = where(moveLow, lowCandidate, low);
  return { low: tunedLow, range: subtract(where(moveLow, high, highCandidate), tunedLow) };
}

/** Lower end and width of the grid. */
export const asymmetricRange = (
  inputLow: Tensor,
  inputRange: Tensor,
  codes: CodeRange,
): { low: Tensor; range: Tensor } => tuneRange(inputLow, add(abs(inputRange), SCALE_EPSILON), levelsOf(codes));

export const ASYMMETRIC_FAKE_QUANTIZE = defineOperation<AsymmetricFakeQuantizeAttributes>({
  type: 'AsymmetricFakeQuantize',
  infer([x, inputLow, inputRange], attributes) {
    checkCodeRange('asymmetricFakeQuantize', attributes);
    checkRangeShape('asymmetricFakeQuantize', x, inputLow);
    checkRangeShape('asymmetricFakeQuantize', x, inputRange);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  decompose([x, inputLow, inputRange], attributes) {
    const { low, range } = asymmetricRange(inputLow, inputRange, attributes);
    // The rule of the whole stands for the gradient of the part.
    return [applyOne(QUANTIZE_DEQUANTIZE, [x, low, range], attributes)];
  },
  bypass: ({ enabled }) => enabled === false,
  saves: { inputs: [0, 1, 2] },
});

export const gradientOfAsymmetricFakeQuantize: GradientRule<AsymmetricFakeQuantizeAttributes> = (context, [g]) => {
  if (!g) return [null, null, null];
  const { low, range } = asymmetricRange(context.input(1), context.input(2), context.attributes);
  const [dx, dlow, drange] = quantizeGradients(g, context.input(0), low, range, context.attributes);
  const direction = sign(context.input(2));
  if (context.attributes.rangeGradient !== 'exact') return [dx, dlow, multiply(drange, direction)];
  const [dinputLow, dinputRange] = throughZero(context.input(1), context.input(2), dlow, drange);
  return [dx, dinputLow, multiply(dinputRange, direction)];
};

/**
 * Gradients of inputLow and |inputRange| from those of the grid, whose ends are min(inputLow, 0) and
 * max(inputLow + |inputRange|, 0): an end that lies at zero does not move with the parameters. Bringing zero onto the
 * grid is a rounding, and passed straight through.
 */
function throughZero(inputLow: Tensor, inputRange: Tensor, dlow: Tensor, drange: Tensor): [Tensor, Tensor] {
  const high = add(add(abs(inputRange), SCALE_EPSILON), inputLow);
  const dlowEnd = where(less(inputLow, 0), subtract(dlow, drange), 0);
  const dhighEnd = where(greater(high, 0), drange, 0);
  return [add(dlowEnd, dhighEnd), dhighEnd];
}

/** Rounds x to the grid of [inputLow, inputLow + inputRange], of one element or one axis of x. */
export const asymmetricFakeQuantize = (
  x: Tensor,
  inputLow: Tensor,
  inputRange: Tensor,
  attributes: AsymmetricFakeQuantizeAttributes,
): Tensor =>
  applyOne(ASYMMETRIC_FAKE_QUANTIZE, [x, inputLow, inputRange], attributes, gradientOfAsymmetricFakeQuantize);

/** The integer codes that `asymmetricFakeQuantize` rounds to, counted from the value zero, as int32. */
export function asymmetricCodes(x: Tensor, inputLow: Tensor, inputRange: Tensor, codes: CodeRange): Tensor {
  const { low, range } = asymmetricRange(inputLow, inputRange, codes);
  return quantizeCodes(x, low, range, codes);
}
