/** Properties of the symmetric quantizer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward } from '../../../src/autograd/index.js';
import type { CodeRange } from '../../../src/ops/quantization/quantizeDequantize.js';
import {
  SYMMETRIC_FAKE_QUANTIZE,
  symmetricCodes,
  symmetricFakeQuantize,
} from '../../../src/ops/quantization/symmetricFakeQuantize.js';
import { zeros } from '../../../src/tensor/create.js';
import { DYNAMIC } from '../../../src/tensor/shape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import {
  float32,
  magnitude,
  narrowCodes,
  plain,
  relativeValues,
  STEP_TOLERANCE,
  symmetricCodeRange,
  symmetricGrid,
} from './arbitraries.js';

/** Scales of either sign from 1e-30 to 1e30. */
const scales = fc.tuple(magnitude(-30, 30), fc.boolean()).map(([size, negative]) => (negative ? -size : size));

const INT8: CodeRange = { levelLow: -128, levelHigh: 127 };
const NARROW: CodeRange = { levelLow: -127, levelHigh: 127 };

const quantize = (values: readonly number[], scale: number, codes: CodeRange): number[] =>
  plain(symmetricFakeQuantize(float32(values), float32([scale]), codes));
const codesOf = (values: readonly number[], scale: number, codes: CodeRange): number[] =>
  Array.from(symmetricCodes(float32(values), float32([scale]), codes).dataSync());

/** Values around the grid of a scale. */
const spread = (relative: readonly number[], scale: number, codes: CodeRange): number[] =>
  relative.map((value) => Math.fround(value * symmetricGrid(scale, codes).high));

describe('values of the symmetric quantizer', () => {
  it('are at most half a step from the input inside the range, and at its ends outside', () => {
    fc.assert(
      fc.property(relativeValues, scales, symmetricCodeRange, (relative, scale, codes) => {
        const { low, high, step } = symmetricGrid(scale, codes);
        const x = spread(relative, scale, codes);
        quantize(x, scale, codes).forEach((y, index) => {
          const target = Math.min(Math.max(x[index], low), high);
          expect(Math.abs(y - target)).toBeLessThanOrEqual(step * (0.5 + STEP_TOLERANCE));
          if (x[index] >= high) expect(Math.abs(y - high)).toBeLessThanOrEqual(step * STEP_TOLERANCE);
          if (x[index] <= low) expect(Math.abs(y - low)).toBeLessThanOrEqual(step * STEP_TOLERANCE);
        });
      }),
    );
  });

  it('stay what they are when quantized again', () => {
    fc.assert(
      fc.property(relativeValues, scales, symmetricCodeRange, (relative, scale, codes) => {
        const once = quantize(spread(relative, scale, codes), scale, codes);
        expect(quantize(once, scale, codes)).toEqual(once);
      }),
    );
  });

  it('grow with the input', () => {
    fc.assert(
      fc.property(relativeValues, scales, symmetricCodeRange, (relative, scale, codes) => {
        const x = spread(relative, scale, codes).sort((a, b) => a - b);
        const y = quantize(x, scale, codes);
        for (let index = 1; index < y.length; index++) expect(y[index]).toBeGreaterThanOrEqual(y[index - 1]);
      }),
    );
  });

  it('are zero for zero', () => {
    fc.assert(
      fc.property(scales, symmetricCodeRange, (scale, codes) => {
        expect(quantize([0, -0], scale, codes).every((y) => y === 0)).toBe(true);
        expect(codesOf([0, -0], scale, codes).every((code) => code === 0)).toBe(true);
      }),
    );
  });

  it('do not depend on the sign of the scale', () => {
    fc.assert(
      fc.property(relativeValues, scales, symmetricCodeRange, (relative, scale, codes) => {
        const x = spread(relative, scale, codes);
        expect(quantize(x, -scale, codes)).toEqual(quantize(x, scale, codes));
      }),
    );
  });
});

describe('codes of the symmetric quantizer', () => {
  it('stay in their range, and the values are the codes times the step', () => {
    fc.assert(
      fc.property(relativeValues, scales, symmetricCodeRange, (relative, scale, codes) => {
        const x = spread(relative, scale, codes);
        const { range } = symmetricGrid(scale, codes);
        const perUnit = Math.fround((codes.levelHigh - codes.levelLow) / range);
        const y = quantize(x, scale, codes);
        codesOf(x, scale, codes).forEach((code, index) => {
          expect(code).toBeGreaterThanOrEqual(codes.levelLow);
          expect(code).toBeLessThanOrEqual(codes.levelHigh);
          expect(y[index]).toBe(Math.fround(code / perUnit));
        });
      }),
    );
  });

  it('come back from their values, all of them', () => {
    fc.assert(
      fc.property(scales, symmetricCodeRange, (scale, codes) => {
        const { step } = symmetricGrid(scale, codes);
        const all = Array.from({ length: codes.levelHigh - codes.levelLow + 1 }, (_, index) => codes.levelLow + index);
        const values = all.map((code) => Math.fround(code * step));
        expect(codesOf(values, scale, codes)).toEqual(all);
      }),
    );
  });

  it('of opposite values are opposite', () => {
    fc.assert(
      fc.property(relativeValues, scales, narrowCodes, (relative, scale, codes) => {
        const { step } = symmetricGrid(scale, codes);
        // Beside a tie the roundings of x - low and -x - low may fall apart.
        const x = spread(relative, scale, codes).filter((value) => {
          const fraction = Math.abs(value / step) % 1;
          return Math.abs(fraction - 0.5) > STEP_TOLERANCE;
        });
        const opposite = codesOf(
          x.map((value) => -value),
          scale,
          codes,
        ).map((code) => -code);
        expect(codesOf(x, scale, codes).every((code, index) => code === opposite[index])).toBe(true);
      }),
    );
  });

  it('are rounded half to even', () => {
    // With these scales a step is exactly 1.
    const halves = Array.from({ length: 253 }, (_, index) => index - 126 + 0.5).filter(
      (value) => Math.abs(value) < 126,
    );
    const even = (value: number) => 2 * Math.round(value / 2);
    expect(codesOf(halves, 127, NARROW)).toEqual(halves.map((value) => even(value) + 0));
    const positive = halves.filter((value) => value > 0);
    expect(codesOf(positive, 255, { levelLow: 0, levelHigh: 255 })).toEqual(positive.map(even));
    expect(quantize([0.5, 1.5, 2.5, 3.5], 127, NARROW)).toEqual([0, 2, 2, 4]);
  });
});

describe('special values in the symmetric quantizer', () => {
  it('NaN stays NaN, has code 0 and neither gets nor gives a gradient', () => {
    const x = float32([Number.NaN, 0.5]);
    const scale = float32([1]);
    x.requiresGrad = true;
    scale.requiresGrad = true;
    const y = symmetricFakeQuantize(x, scale, INT8);
    expect(y.dataSync()[0]).toBeNaN();
    expect(codesOf([Number.NaN], 1, INT8)).toEqual([0]);
    backward(y, { gradient: float32([7, 1]) });
    expect(Array.from(x.grad?.dataSync() ?? [])).toEqual([0, 1]);
    expect(Number.isFinite(scale.grad?.dataSync()[0])).toBe(true);
  });

  it('infinities go to the ends of the range', () => {
    const infinities = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    expect(codesOf(infinities, 2, INT8)).toEqual([-128, 127]);
    const [low, high] = quantize(infinities, 2, INT8);
    expect(high).toBeCloseTo(2, 6);
    expect(low).toBeCloseTo((-2 * 128) / 127, 6);
  });

  it('empty tensors stay empty', () => {
    const x = zeros([0, 3], { requiresGrad: true });
    const scale = float32([1, 2, 3], [1, 3]);
    scale.requiresGrad = true;
    const y = symmetricFakeQuantize(x, scale, INT8);
    expect(y.shape).toEqual([0, 3]);
    backward(y, { gradient: zeros([0, 3]) });
    expect(x.grad?.shape).toEqual([0, 3]);
    expect(Array.from(scale.grad?.dataSync() ?? [])).toEqual([0, 0, 0]);
    expect(symmetricCodes(x, scale, INT8).shape).toEqual([0, 3]);
  });

  it('a scale of zero gives zeros, not NaN', () => {
    expect(quantize([-1, 0, 1], 0, INT8).every((value) => Math.abs(value) < 1e-15)).toBe(true);
  });
});

/** One backward pass with the upstream gradient g. */
function gradients(x: Tensor, scale: Tensor, codes: CodeRange, g: Tensor): { x: number[]; scale: number[] } {
  const [leafX, leafScale] = [x.detach(), scale.detach()];
  leafX.requiresGrad = true;
  leafScale.requiresGrad = true;
  backward(symmetricFakeQuantize(leafX, leafScale, codes), { gradient: g });
  return { x: Array.from(leafX.grad?.dataSync() ?? []), scale: Array.from(leafScale.grad?.dataSync() ?? []) };
}

describe('gradients of the symmetric quantizer', () => {
  it('pass straight through inside the range, ends included, and nowhere else', () => {
    fc.assert(
      fc.property(relativeValues, scales, symmetricCodeRange, (relative, scale, codes) => {
        const { low, high } = symmetricGrid(scale, codes);
        const x = [...spread(relative, scale, codes), low, high];
        const g = x.map((_, index) => Math.fround(index * 0.37 - 1));
        const found = gradients(float32(x), float32([scale]), codes, float32(g));
        expect(found.x.map((value) => value + 0)).toEqual(
          x.map((value, index) => (value >= low && value <= high ? g[index] + 0 : 0)),
        );
      }),
    );
  });

  it('of the scale follow the closed form', () => {
    fc.assert(
      fc.property(relativeValues, scales, symmetricCodeRange, (relative, scale, codes) => {
        const { low, high, range } = symmetricGrid(scale, codes);
        const x = spread(relative, scale, codes);
        const y = quantize(x, scale, codes);
        const g = x.map((_, index) => Math.fround(Math.cos(index)));
        const expected = x.reduce((total, value, index) => {
          const share = value > high ? 1 : value < low ? codes.levelLow / codes.levelHigh : (y[index] - value) / range;
          return total + g[index] * share;
        }, 0);
        const [found] = gradients(float32(x), float32([scale]), codes, float32(g)).scale;
        expect(Math.abs(found * Math.sign(scale) - expected)).toBeLessThanOrEqual(1e-5 * x.length);
      }),
    );
  });
});

describe('a symmetric quantizer per channel', () => {
  const channels = [0.3, 2, 1e-3, 40];

  it.each([0, 1, 2])('equals one per tensor on each slice along axis %i', (axis) => {
    const shape = [4, 4, 4];
    const x = Array.from({ length: 64 }, (_, index) => Math.fround(Math.sin(index * 1.7) * 3));
    const g = x.map((_, index) => Math.fround(Math.cos(index)));
    const scaleShape = shape.map((extent, index) => (index === axis ? extent : 1));
    const scale = float32(channels, scaleShape);
    const y = symmetricFakeQuantize(float32(x, shape), scale, INT8).dataSync();
    const codes = symmetricCodes(float32(x, shape), scale, INT8).dataSync();
    const found = gradients(float32(x, shape), scale, INT8, float32(g, shape));
    const stride = 4 ** (2 - axis);
    channels.forEach((each, channel) => {
      const indices = x.flatMap((_, index) => (Math.floor(index / stride) % 4 === channel ? [index] : []));
      const slice = indices.map((index) => x[index]);
      expect(indices.map((index) => y[index] + 0)).toEqual(quantize(slice, each, INT8));
      expect(indices.map((index) => codes[index])).toEqual(codesOf(slice, each, INT8));
      const alone = gradients(float32(slice), float32([each]), INT8, float32(indices.map((index) => g[index])));
      expect(indices.map((index) => found.x[index])).toEqual(alone.x);
      expect(found.scale[channel]).toBeCloseTo(alone.scale[0], 5);
    });
  });
});

describe('the symmetric quantizer', () => {
  it('lets everything through when it is switched off', () => {
    const x = float32([0.123, 5]);
    x.requiresGrad = true;
    const y = symmetricFakeQuantize(x, float32([1]), { ...INT8, enabled: false });
    expect(y).toBe(x);
    backward(y, { gradient: float32([2, 3]) });
    expect(Array.from(x.grad?.dataSync() ?? [])).toEqual([2, 3]);
  });

  it('names both shapes when the scale does not fit', () => {
    expect(() => symmetricFakeQuantize(zeros([2, 3]), zeros([3]), INT8)).toThrow(/\[3\].*\[2, 3\]/);
    expect(() => symmetricFakeQuantize(zeros([2, 3]), zeros([1, 2]), INT8)).toThrow(/\[1, 2\].*\[2, 3\]/);
    expect(() => symmetricFakeQuantize(zeros([2, 3]), zeros([2, 3]), INT8)).toThrow(/\[2, 3\]/);
    expect(() => symmetricFakeQuantize(zeros([2]), zeros([1], { dtype: 'float64' }), INT8)).toThrow(/float64/);
    expect(() => symmetricFakeQuantize(zeros([2]), zeros([1]), { levelLow: 1, levelHigh: 4 })).toThrow(/levelLow <= 0/);
  });

  it('keeps a dynamic batch', () => {
    const x = { shape: [DYNAMIC, 3, 4, 4], dtype: 'float32' as const };
    const scale = { shape: [1, 3, 1, 1], dtype: 'float32' as const };
    expect(SYMMETRIC_FAKE_QUANTIZE.infer([x, scale], INT8)).toEqual([x]);
  });
});
