/**
 * The exact gradients of a quantizer's range, against finite differences in float64. What is differenced is the
 * quantizer with its rounding taken as the identity plus a constant, namely the rounding error at the given point:
 * that is what a straight-through estimator differentiates. Everything else is as the forward pass has it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import { asymmetricFakeQuantize } from '../../../src/ops/quantization/asymmetricFakeQuantize.js';
import type { CodeRange, RangeGradient } from '../../../src/ops/quantization/quantizeDequantize.js';
import { symmetricFakeQuantize } from '../../../src/ops/quantization/symmetricFakeQuantize.js';
import { fromValues } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const CODES: readonly CodeRange[] = [
  { levelLow: -128, levelHigh: 127 },
  { levelLow: -127, levelHigh: 127 },
  { levelLow: 0, levelHigh: 255 },
  { levelLow: -8, levelHigh: 7 },
  { levelLow: -1, levelHigh: 1 },
  { levelLow: 0, levelHigh: 3 },
];

const double = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  fromValues(Float64Array.from(values), shape, 'float64');

/** Gradients of the sum of g times the quantized x. */
function gradients(
  x: readonly number[],
  g: readonly number[],
  parameters: readonly number[],
  codes: CodeRange,
  rangeGradient?: RangeGradient,
): { x: number[]; parameters: number[]; y: number[] } {
  const input = double(x);
  input.requiresGrad = true;
  const ranges = parameters.map((value) => {
    const range = double([value]);
    range.requiresGrad = true;
    return range;
  });
  const attributes = { ...codes, rangeGradient };
  const y =
    ranges.length === 1
      ? symmetricFakeQuantize(input, ranges[0], attributes)
      : asymmetricFakeQuantize(input, ranges[0], ranges[1], attributes);
  backward(y, { gradient: double(g) });
  const read = (tensor: Tensor): number[] => [...(tensor.grad as Tensor).dataSync()];
  return { x: read(input), parameters: ranges.flatMap(read), y: [...y.dataSync()] };
}

/** A value as the grid [low, high] would keep it if nothing were rounded, plus the rounding error that it has at the point. */
const surrogate = (x: number, low: number, high: number, error: number): number =>
  x > high ? high : x < low ? low : x + error * (high - low);

/** The rounding error as a share of the range: it stays the same number of steps when the range changes. */
const roundingError = (x: number, y: number, low: number, high: number): number =>
  x > high || x < low ? 0 : (y - x) / (high - low);

function difference(loss: (parameters: readonly number[]) => number, at: readonly number[]): number[] {
  return at.map((value, index) => {
    const step = 1e-6 * Math.max(Math.abs(value), 1e-3);
    const moved = (by: number): number[] => at.map((other, position) => (position === index ? other + by : other));
    return (loss(moved(step)) - loss(moved(-step))) / (2 * step);
  });
}

const near = (actual: number, expected: number, scale: number): void => {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-7 * scale);
};

const number = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const sample = fc.record({
  x: fc.array(number(-3, 3), { minLength: 1, maxLength: 12 }),
  seed: fc.array(number(-2, 2), { minLength: 12, maxLength: 12 }),
  codes: fc.constantFrom(...CODES),
});
/** Values beside an end of the grid, where a step to the side crosses it, have no difference quotient. */
const away = (x: readonly number[], ...ends: readonly number[]): number[] =>
  x.filter((value) => ends.every((end) => Math.abs(value - end) > 1e-4));
const magnitude = (values: readonly number[]): number =>
  1 + values.reduce((total, value) => total + Math.abs(value), 0);

describe('the exact gradient of a symmetric scale', () => {
  it('is the derivative', () => {
    fc.assert(
      fc.property(sample, number(0.05, 2.5), fc.boolean(), ({ x: values, seed, codes }, size, negative) => {
        const scale = negative ? -size : size;
        const ratio = codes.levelLow / codes.levelHigh;
        const x = away(values, size, size * ratio);
        fc.pre(x.length > 0);
        const g = seed.slice(0, x.length);
        const found = gradients(x, g, [scale], codes, 'exact');
        const errors = x.map((value, index) => roundingError(value, found.y[index], size * ratio, size));
        const loss = ([parameter]: readonly number[]): number => {
          const high = Math.abs(parameter);
          return x.reduce(
            (total, value, index) => total + g[index] * surrogate(value, high * ratio, high, errors[index]),
            0,
          );
        };
        near(found.parameters[0], difference(loss, [scale])[0], magnitude(g) * 3);
      }),
      { numRuns: 300 },
    );
  });

  it("is about twice NNCF's inside a signed grid, and the same outside and for unsigned ones", () => {
    const inside = gradients([0.3], [1], [1], CODES[1]);
    const exact = gradients([0.3], [1], [1], CODES[1], 'exact');
    expect(exact.parameters[0]).toBeCloseTo(2 * inside.parameters[0], 12);
    expect(gradients([5, -5], [1, 0.5], [1], CODES[0]).parameters).toEqual(
      gradients([5, -5], [1, 0.5], [1], CODES[0], 'nncf').parameters,
    );
    for (const x of [[5], [-5]]) {
      const [own] = gradients(x, [1], [1], CODES[0], 'exact').parameters;
      expect(own).toBeCloseTo(gradients(x, [1], [1], CODES[0]).parameters[0], 12);
    }
    const unsigned = gradients([0.31, 5, -5], [1, 1, 1], [1], CODES[2]).parameters[0];
    expect(gradients([0.31, 5, -5], [1, 1, 1], [1], CODES[2], 'exact').parameters[0]).toBeCloseTo(unsigned, 12);
  });

  it('leaves the gradient of x as it is', () => {
    const x = [-5, -0.7, 0, 0.2, 3];
    const g = [1, 2, 3, 4, 5];
    expect(gradients(x, g, [1], CODES[0], 'exact').x).toEqual(gradients(x, g, [1], CODES[0]).x);
    expect(gradients(x, g, [-1, 2], CODES[2], 'exact').x).toEqual(gradients(x, g, [-1, 2], CODES[2]).x);
  });
});

describe('the exact gradients of an asymmetric range', () => {
  const CODES_FROM_ZERO = CODES.filter(({ levelLow }) => levelLow === 0);

  it('are the derivatives, with zero brought onto the grid by rounding', () => {
    fc.assert(
      fc.property(
        fc.array(number(-3, 3), { minLength: 1, maxLength: 12 }),
        fc.array(number(-2, 2), { minLength: 12, maxLength: 12 }),
        fc.constantFrom(...CODES_FROM_ZERO),
        number(-2, 2),
        number(0.1, 3),
        fc.boolean(),
        (values, seed, codes, inputLow, width, negative) => {
          const high = Math.max(inputLow + width, 0);
          const low = Math.min(inputLow, 0);
          fc.pre(Math.abs(inputLow) > 1e-3 && Math.abs(inputLow + width) > 1e-3);
          const inputRange = negative ? -width : width;
          // Bringing zero onto the grid moves an end; that shift is the constant of this rounding.
          const [bottom, top] = gridEnds(low, high, codes);
          const x = away(values, bottom, top);
          fc.pre(x.length > 0);
          const g = seed.slice(0, x.length);
          const found = gradients(x, g, [inputLow, inputRange], codes, 'exact');
          const shift = [bottom - low, top - high];
          const errors = x.map((value, index) => roundingError(value, found.y[index], bottom, top));
          const loss = ([first, second]: readonly number[]): number => {
            const from = Math.min(first, 0) + shift[0];
            const to = Math.max(first + Math.abs(second), 0) + shift[1];
            return x.reduce((total, value, index) => total + g[index] * surrogate(value, from, to, errors[index]), 0);
          };
          const expected = difference(loss, [inputLow, inputRange]);
          found.parameters.forEach((value, index) => {
            near(value, expected[index], magnitude(g) * 3);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it("are NNCF's where zero is inside, and leave alone what does not move the grid where it is not", () => {
    const x = [-0.4, 0.3, 5, -5];
    const g = [1, -2, 0.5, 0.25];
    const inside = gradients(x, g, [-1, 2.5], CODES[2]).parameters;
    gradients(x, g, [-1, 2.5], CODES[2], 'exact').parameters.forEach((value, index) => {
      expect(value).toBeCloseTo(inside[index], 12);
    });
    // From 0.5 to 1.5: the grid reaches from 0 to 1.5, and its upper end moves with either parameter.
    const above = gradients(x, g, [0.5, 1], CODES[2], 'exact').parameters;
    expect(above[0]).toBeCloseTo(above[1], 12);
    // From -1.5 to -0.5: the grid reaches up to 0, whatever the range.
    expect(gradients(x, g, [-1.5, 1], CODES[2], 'exact').parameters[1]).toBe(0);
  });
});

/** The tuned ends, written anew from NNCF's rule (`tune_range`). */
function gridEnds(low: number, high: number, { levelHigh }: CodeRange): [number, number] {
  const zero = Math.round((-low * levelHigh) / (high - low));
  const lower = zero < levelHigh ? (zero / (zero - levelHigh)) * high : low;
  const upper = zero > 0 ? ((zero - levelHigh) / zero) * low : high;
  return high - lower > upper - low ? [lower, high] : [low, upper];
}
