/** Properties of the asymmetric quantizer and of the tuning of its range. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import {
  ASYMMETRIC_FAKE_QUANTIZE,
  asymmetricCodes,
  asymmetricFakeQuantize,
  asymmetricRange,
  tuneRange,
} from '../../../src/ops/quantization/asymmetricFakeQuantize.js';
import type { CodeRange } from '../../../src/ops/quantization/quantizeDequantize.js';
import { zeros } from '../../../src/tensor/create.js';
import { DYNAMIC } from '../../../src/tensor/shape.js';
import { float32, magnitude, plain, relativeValues, STEP_TOLERANCE, unsignedCodes } from './arbitraries.js';

const UINT8: CodeRange = { levelLow: 0, levelHigh: 255 };

/** [inputLow, inputRange]: zero below, inside and above the range, sizes from 1e-12 to 1e30. */
const ranges = fc
  .tuple(magnitude(-12, 30), fc.double({ min: -2, max: 1, noNaN: true }))
  .map(([range, offset]) => ({ low: Math.fround(offset * range), range }));

/**
 * Whether zero lies inside the range, within half a step of one of its ends. NNCF's tuning leaves such a range as it is:
 * zero still maps to zero, but the rest of the grid is off by as much. It is tested apart.
 */
function nearlyEndsAtZero(low: number, range: number, { levelHigh }: CodeRange): boolean {
  const [lowest, highest] = [Math.min(low, 0), Math.max(low + range, 0)];
  const position = (-lowest * levelHigh) / (highest - lowest);
  return (
    (lowest < 0 && position < 0.5 + STEP_TOLERANCE) || (highest > 0 && position > levelHigh - 0.5 - STEP_TOLERANCE)
  );
}

/** The tuned grid as our own function computes it; its properties are checked below. */
function gridOf(low: number, range: number, codes: CodeRange) {
  const tuned = asymmetricRange(float32([low]), float32([range]), codes);
  const [gridLow, gridRange] = [tuned.low.dataSync()[0], tuned.range.dataSync()[0]];
  return { low: gridLow, range: gridRange, high: Math.fround(gridLow + gridRange), step: gridRange / codes.levelHigh };
}

const quantize = (values: readonly number[], low: number, range: number, codes: CodeRange): number[] =>
  plain(asymmetricFakeQuantize(float32(values), float32([low]), float32([range]), codes));
const codesOf = (values: readonly number[], low: number, range: number, codes: CodeRange): number[] =>
  plain(asymmetricCodes(float32(values), float32([low]), float32([range]), codes));

/** Values around a grid. */
const spread = (relative: readonly number[], grid: { low: number; range: number }): number[] =>
  relative.map((value) => Math.fround(grid.low + ((value + 1) / 2) * grid.range));

describe('tuning the range of an asymmetric quantizer', () => {
  const tuned = (low: number, range: number, levels: number) => {
    const result = tuneRange(float32([low]), float32([range]), levels);
    return { low: result.low.dataSync()[0], range: result.range.dataSync()[0] };
  };

  it('only ever grows it, and makes it hold zero', () => {
    fc.assert(
      fc.property(ranges, unsignedCodes, ({ low, range }, { levelHigh }) => {
        const result = tuned(low, range, levelHigh + 1);
        const high = Math.fround(low + range);
        const rounding = 4 * 2 ** -24 * result.range;
        expect(result.low).toBeLessThanOrEqual(Math.min(low, 0) + rounding);
        expect(result.low + result.range).toBeGreaterThanOrEqual(Math.max(high, 0) - rounding);
      }),
    );
  });

  it('puts zero on the grid', () => {
    fc.assert(
      fc.property(ranges, unsignedCodes, ({ low, range }, codes) => {
        fc.pre(!nearlyEndsAtZero(low, range, codes));
        const { levelHigh } = codes;
        const result = tuned(low, range, levelHigh + 1);
        const zeroPoint = (-result.low / result.range) * levelHigh;
        expect(Math.abs(zeroPoint - Math.round(zeroPoint))).toBeLessThanOrEqual(STEP_TOLERANCE);
      }),
    );
  });

  it('leaves a range alone that has zero on its grid', () => {
    for (const [low, range] of [
      [0, 255],
      [-128, 255],
      [-255, 255],
      [-1, 255],
    ]) {
      expect(tuned(low, range, 256)).toEqual({ low, range });
    }
  });

  it('moves the end that makes the range wider', () => {
    // 3 levels of [-1, 2]: zero is 2/3 of a step from the lower end; moving it there gives [-2, 2], moving the upper one [-1, 1].
    expect(tuned(-1, 3, 3)).toEqual({ low: -2, range: 4 });
    expect(tuned(-2, 3, 3)).toEqual({ low: -2, range: 4 });
  });
});

describe('values of the asymmetric quantizer', () => {
  it('are at most half a step from the input inside the range, and at its ends outside', () => {
    fc.assert(
      fc.property(relativeValues, ranges, unsignedCodes, (relative, { low, range }, codes) => {
        fc.pre(!nearlyEndsAtZero(low, range, codes));
        const grid = gridOf(low, range, codes);
        const x = spread(relative, grid);
        quantize(x, low, range, codes).forEach((y, index) => {
          const target = Math.min(Math.max(x[index], grid.low), grid.high);
          expect(Math.abs(y - target)).toBeLessThanOrEqual(grid.step * (0.5 + STEP_TOLERANCE));
          if (x[index] >= grid.high) expect(Math.abs(y - grid.high)).toBeLessThanOrEqual(grid.step * STEP_TOLERANCE);
          if (x[index] <= grid.low) expect(Math.abs(y - grid.low)).toBeLessThanOrEqual(grid.step * STEP_TOLERANCE);
        });
      }),
    );
  });

  it('stay what they are when quantized again, and grow with the input', () => {
    fc.assert(
      fc.property(relativeValues, ranges, unsignedCodes, (relative, { low, range }, codes) => {
        fc.pre(!nearlyEndsAtZero(low, range, codes));
        const x = spread(relative, gridOf(low, range, codes)).sort((a, b) => a - b);
        const y = quantize(x, low, range, codes);
        expect(quantize(y, low, range, codes)).toEqual(y);
        for (let index = 1; index < y.length; index++) expect(y[index]).toBeGreaterThanOrEqual(y[index - 1]);
      }),
    );
  });

  it('are exactly zero for zero', () => {
    fc.assert(
      fc.property(ranges, unsignedCodes, ({ low, range }, codes) => {
        expect(quantize([0], low, range, codes)).toEqual([0]);
        expect(codesOf([0], low, range, codes)).toEqual([0]);
      }),
    );
  });

  it('are codes times the step; a grid has as many of them as there are codes', () => {
    fc.assert(
      fc.property(ranges, unsignedCodes, ({ low, range }, codes) => {
        fc.pre(!nearlyEndsAtZero(low, range, codes));
        const grid = gridOf(low, range, codes);
        const zeroPoint = Math.round(-grid.low / grid.step);
        const all = Array.from({ length: codes.levelHigh + 1 }, (_, index) => index - zeroPoint);
        const values = all.map((code) => Math.fround(code * grid.step));
        expect(codesOf(values, low, range, codes)).toEqual(all.map((code) => code + 0));
        quantize(values, low, range, codes).forEach((y, index) => {
          expect(Math.abs(y - values[index])).toBeLessThanOrEqual(grid.step * STEP_TOLERANCE);
        });
      }),
    );
  });

  it('are off by what the lower end lies below zero where that is less than half a step, as in NNCF', () => {
    // 4 levels of [-0.1, 0.9], one third apart: the range stays, and each value is rounded 0.1 too high.
    const codes = { levelLow: 0, levelHigh: 3 };
    expect(gridOf(-0.1, 1, codes)).toMatchObject({ low: Math.fround(-0.1), range: 1 });
    expect(codesOf([-0.1, 0, 0.06, 0.07, 0.39, 0.41, 0.9], -0.1, 1, codes)).toEqual([0, 0, 0, 1, 1, 2, 3]);
  });

  it('are rounded half to even on the code', () => {
    // The range [-100, 155] has steps of 1.
    const halves = Array.from({ length: 250 }, (_, index) => index - 99.5);
    expect(codesOf(halves, -100, 255, UINT8)).toEqual(halves.map((value) => 2 * Math.round(value / 2) + 0));
  });

  it('NaN stays NaN, infinities go to the ends, a range of the other sign counts by its size', () => {
    const [nan, low, high] = quantize(
      [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      -100,
      255,
      UINT8,
    );
    expect(nan).toBeNaN();
    expect([low, high]).toEqual([-100, 155]);
    expect(codesOf([Number.NaN], -100, 255, UINT8)).toEqual([0]);
    expect(quantize([7.4, 300], -100, -255, UINT8)).toEqual(quantize([7.4, 300], -100, 255, UINT8));
  });

  it('empty tensors stay empty', () => {
    const x = zeros([2, 0], { requiresGrad: true });
    const y = asymmetricFakeQuantize(x, float32([0]), float32([1]), UINT8);
    expect(y.shape).toEqual([2, 0]);
    backward(y, { gradient: zeros([2, 0]) });
    expect(x.grad?.shape).toEqual([2, 0]);
  });
});

/** One backward pass with the upstream gradient g. */
function gradients(
  x: readonly number[],
  low: readonly number[],
  range: readonly number[],
  g: readonly number[],
  shape = [x.length],
  parameters = [1],
) {
  const leaves = [float32(x, shape), float32(low, parameters), float32(range, parameters)];
  for (const leaf of leaves) leaf.requiresGrad = true;
  backward(asymmetricFakeQuantize(leaves[0], leaves[1], leaves[2], UINT8), { gradient: float32(g, shape) });
  const [dx, dlow, drange] = leaves.map(({ grad }) => (grad ? plain(grad) : []));
  return { dx, dlow, drange };
}

describe('gradients of the asymmetric quantizer', () => {
  it('follow the closed form on the tuned range, straight through the tuning', () => {
    fc.assert(
      fc.property(relativeValues, ranges, fc.boolean(), (relative, { low, range }, flipped) => {
        const grid = gridOf(low, range, UINT8);
        const x = spread(relative, grid);
        const y = quantize(x, low, range, UINT8);
        const g = x.map((_, index) => Math.fround(Math.cos(index)));
        const { dx, dlow, drange } = gradients(x, [low], [flipped ? -range : range], g);
        let [expectedLow, expectedRange] = [0, 0];
        x.forEach((value, index) => {
          const outside = value > grid.high || value < grid.low;
          expect(dx[index]).toBe(outside ? 0 : g[index]);
          if (outside) expectedLow += g[index];
          if (value > grid.high) expectedRange += g[index];
          else if (!outside) expectedRange += (g[index] * (y[index] - value)) / grid.range;
        });
        expect(Math.abs(dlow[0] - expectedLow)).toBeLessThanOrEqual(1e-5 * x.length);
        expect(Math.abs(drange[0] * (flipped ? -1 : 1) - expectedRange)).toBeLessThanOrEqual(1e-5 * x.length);
      }),
    );
  });
});

describe('an asymmetric quantizer per channel', () => {
  it.each([0, 1])('equals one per tensor on each slice along axis %i', (axis) => {
    const low = [-1, 0.2, -3];
    const range = [2, 1, 2.5];
    const shape = [3, 3, 4];
    const x = Array.from({ length: 36 }, (_, index) => Math.fround(Math.sin(index * 1.7) * 3));
    const g = x.map((_, index) => Math.fround(Math.cos(index)));
    const parameters = shape.map((extent, index) => (index === axis ? extent : 1));
    const y = plain(
      asymmetricFakeQuantize(float32(x, shape), float32(low, parameters), float32(range, parameters), UINT8),
    );
    const found = gradients(x, low, range, g, shape, parameters);
    const stride = axis === 0 ? 12 : 4;
    low.forEach((_, channel) => {
      const indices = x.flatMap((__, index) => (Math.floor(index / stride) % 3 === channel ? [index] : []));
      const slice = indices.map((index) => x[index]);
      expect(indices.map((index) => y[index])).toEqual(quantize(slice, low[channel], range[channel], UINT8));
      const alone = gradients(
        slice,
        [low[channel]],
        [range[channel]],
        indices.map((index) => g[index]),
      );
      expect(indices.map((index) => found.dx[index])).toEqual(alone.dx);
      expect(found.dlow[channel]).toBeCloseTo(alone.dlow[0], 5);
      expect(found.drange[channel]).toBeCloseTo(alone.drange[0], 5);
    });
  });
});

describe('the asymmetric quantizer', () => {
  it('lets everything through when it is switched off', () => {
    const x = float32([0.123, 5]);
    expect(asymmetricFakeQuantize(x, float32([0]), float32([1]), { ...UINT8, enabled: false })).toBe(x);
  });

  it('names both shapes when a parameter does not fit', () => {
    expect(() => asymmetricFakeQuantize(zeros([2, 3]), zeros([1, 3]), zeros([1, 2]), UINT8)).toThrow(
      /\[1, 2\].*\[2, 3\]/,
    );
  });

  it('keeps a dynamic batch', () => {
    const x = { shape: [DYNAMIC, 3], dtype: 'float32' as const };
    const parameter = { shape: [1], dtype: 'float32' as const };
    expect(ASYMMETRIC_FAKE_QUANTIZE.infer([x, parameter, parameter], UINT8)).toEqual([x]);
  });
});
