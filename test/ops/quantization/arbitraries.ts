/** What the quantizer properties draw from, and the grid that a symmetric quantizer must have, worked out separately. */
import fc from 'fast-check';
import type { CodeRange } from '../../../src/ops/quantization/quantizeDequantize.js';
import { tensor } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const signed = (bits: number): CodeRange => ({ levelLow: -(2 ** (bits - 1)), levelHigh: 2 ** (bits - 1) - 1 });
const narrow = (bits: number): CodeRange => ({ levelLow: 1 - 2 ** (bits - 1), levelHigh: 2 ** (bits - 1) - 1 });
const unsigned = (bits: number): CodeRange => ({ levelLow: 0, levelHigh: 2 ** bits - 1 });

const bits = fc.integer({ min: 2, max: 8 });
export const narrowCodes: fc.Arbitrary<CodeRange> = bits.map(narrow);
export const unsignedCodes: fc.Arbitrary<CodeRange> = bits.map(unsigned);
/** Codes of a symmetric quantizer with 2 to 8 bits. */
export const symmetricCodeRange: fc.Arbitrary<CodeRange> = fc.oneof(bits.map(signed), narrowCodes, unsignedCodes);

/** 10^low to 10^high, evenly over the exponents, as float32. */
export const magnitude = (low: number, high: number): fc.Arbitrary<number> =>
  fc.double({ min: low, max: high, noNaN: true }).map((exponent) => Math.fround(10 ** exponent));

/** Values from -1.5 to 1.5 as float32: most inside, some outside of a range of one. */
export const relativeValues: fc.Arbitrary<number[]> = fc.array(
  fc.double({ min: -1.5, max: 1.5, noNaN: true }).map((value) => Math.fround(value)),
  { minLength: 1, maxLength: 40 },
);

export const float32 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float32Array(values), { shape });

/** Lower end, upper end, width and step of the grid of a scale, each step rounded to float32. */
export function symmetricGrid(scale: number, { levelLow, levelHigh }: CodeRange) {
  const round = Math.fround;
  const safe = round(round(Math.abs(scale)) + round(1e-16));
  const low = round(safe * round(levelLow / levelHigh));
  const range = round(safe - low);
  return { low, high: round(low + range), range, step: range / (levelHigh - levelLow) };
}

/** How far a float32 quantizer may be from the exact result, in steps: a few roundings of a code up to 255. */
export const STEP_TOLERANCE = 1e-4;

/** The values, with -0 written as 0: rounding a small negative value gives -0, which is the same value. */
export const plain = (x: Tensor): number[] => Array.from(x.dataSync(), (value) => value + 0);
