/** From the statistics of a value to the parameters of its quantizer, in float32, by NNCF's rules (docs/quantization.md). */

import { codeRange, type QuantizerConfig } from './spec.js';
import type { RangeStatistics } from './statistics/collector.js';

/** Kept out of a parameter that adds it back in its forward pass. */
const EPSILON = 1e-16;
/** A symmetric range is at least this share of the widest channel's. */
const MINIMAL_SHARE = 0.01;
/** A symmetric range is at least this wide. */
const MINIMAL_RANGE = 8e-5;
/** An asymmetric range narrower than this is widened by it on both sides. */
const MINIMAL_ASYMMETRIC_RANGE = 8e-4;

const float32 = Math.fround;

/** Parameters of a symmetric quantizer, one for each channel. */
export interface SymmetricParameters {
  readonly mode: 'symmetric';
  readonly scale: Float32Array;
  readonly signed: boolean;
}

/** Parameters of an asymmetric quantizer, one for each channel. */
export interface AsymmetricParameters {
  readonly mode: 'asymmetric';
  readonly inputLow: Float32Array;
  readonly inputRange: Float32Array;
}

export type QuantizerParameters = SymmetricParameters | AsymmetricParameters;

/** The statistics of several values that must share one range: the smallest minimum, the largest maximum. */
export function mergeStatistics(all: readonly RangeStatistics[]): RangeStatistics {
  const pick = (arrays: readonly Float64Array[], choose: (...values: number[]) => number): Float64Array =>
    arrays[0].map((_, channel) => choose(...arrays.map((array) => array[channel])));
  return {
    min: pick(
      all.map(({ min }) => min),
      Math.min,
    ),
    max: pick(
      all.map(({ max }) => max),
      Math.max,
    ),
  };
}

export interface RangeOptions {
  /** Doubles the scale, so that the codes stay within half of their range (NNCF's overflow fix). */
  readonly halfRange?: boolean;
}

/** Parameters of a quantizer from the statistics of its value. */
export function quantizerParameters(
  statistics: RangeStatistics,
  config: QuantizerConfig,
  options: RangeOptions = {},
): QuantizerParameters {
  return config.mode === 'symmetric' ? symmetric(statistics, config, options) : asymmetric(statistics, config);
}

function symmetric(
  { min, max }: RangeStatistics,
  { bits, narrowRange, signednessToForce }: QuantizerConfig,
  { halfRange }: RangeOptions,
): SymmetricParameters {
  const widest = float32(max.reduce((widest, value) => Math.max(widest, value), 0));
  const floor = Math.max(float32(MINIMAL_SHARE * widest), float32(MINIMAL_RANGE));
  const levels = 2 ** bits - (narrowRange ? 1 : 0);
  const factor = halfRange ? (levels - 1) / (2 ** (bits - 1) - 1) : 1;
  const scale = Float32Array.from(max, (value) => float32(float32(Math.max(float32(value), floor) * factor) - EPSILON));
  return { mode: 'symmetric', scale, signed: signednessToForce === true || min.some((value) => float32(value) < 0) };
}

function asymmetric({ min, max }: RangeStatistics, config: QuantizerConfig): AsymmetricParameters {
  const { levelLow, levelHigh } = codeRange({ ...config, signed: false });
  const inputLow = new Float32Array(min.length);
  const inputRange = new Float32Array(min.length);
  min.forEach((_, channel) => {
    let low = float32(min[channel]);
    let high = float32(max[channel]);
    if (float32(high - low) <= float32(MINIMAL_ASYMMETRIC_RANGE)) {
      low = float32(low - MINIMAL_ASYMMETRIC_RANGE);
      high = float32(high + MINIMAL_ASYMMETRIC_RANGE);
    }
    [low, high] = tune(Math.min(low, 0), Math.max(high, 0), levelHigh - levelLow);
    inputLow[channel] = low;
    inputRange[channel] = float32(float32(high - low) - EPSILON);
  });
  return { mode: 'asymmetric', inputLow, inputRange };
}

/** Half to even. */
function round(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 ? floor : rest > 0.5 ? floor + 1 : floor + (floor % 2 === 0 ? 0 : 1);
}

/** Moves one end outward so that zero is exactly on a grid of n steps; of the two choices, the wider range. */
function tune(low: number, high: number, n: number): [number, number] {
  const zeroPoint = round(float32(-low * float32(n / float32(high - low))));
  const lowCandidate = zeroPoint < n ? float32(float32(zeroPoint / (zeroPoint - n)) * high) : low;
  const highCandidate = zeroPoint > 0 ? float32(float32((zeroPoint - n) / zeroPoint) * low) : high;
  return float32(high - lowCandidate) > float32(highCandidate - low) ? [lowCandidate, high] : [low, highCandidate];
}
