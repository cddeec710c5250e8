/** Parameters of quantizers from statistics, against the rules in closed form. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeStatistics, quantizerParameters } from '../../src/quant/ranges.js';
import type { QuantizerConfig } from '../../src/quant/spec.js';
import type { RangeStatistics } from '../../src/quant/statistics/collector.js';

/** @param symmetric The upper end is then the largest absolute value, as it is collected for such quantizers. */
const statistics = (min: number[], max: number[], symmetric = false): RangeStatistics => ({
  min: Float64Array.from(min),
  max: Float64Array.from(max, (high, channel) => (symmetric ? Math.max(Math.abs(min[channel]), Math.abs(high)) : high)),
});

const symmetric: QuantizerConfig = { mode: 'symmetric', bits: 8, perChannel: true, narrowRange: false };
const narrow: QuantizerConfig = { ...symmetric, narrowRange: true };
const asymmetric: QuantizerConfig = { ...symmetric, mode: 'asymmetric' };

function symmetricOf(min: number[], max: number[], config = symmetric, options = {}) {
  const parameters = quantizerParameters(statistics(min, max, true), config, options);
  if (parameters.mode !== 'symmetric') throw new Error('expected a symmetric quantizer');
  return { scale: [...parameters.scale], signed: parameters.signed };
}

function asymmetricOf(min: number[], max: number[], bits = 8) {
  const parameters = quantizerParameters(statistics(min, max), { ...asymmetric, bits });
  if (parameters.mode !== 'asymmetric') throw new Error('expected an asymmetric quantizer');
  return [...parameters.inputLow].map((low, channel) => ({ low, high: low + parameters.inputRange[channel] }));
}

describe('symmetric', () => {
  it('takes the largest absolute value as scale', () => {
    expect(symmetricOf([-3, -0.5], [1, 2])).toEqual({ scale: [3, 2], signed: true });
  });

  it('is unsigned when no channel has a negative value', () => {
    expect(symmetricOf([0, 0.25], [1, 2]).signed).toBe(false);
    expect(symmetricOf([0, -1e-9], [1, 2]).signed).toBe(true);
  });

  it('is signed for weights whatever their values', () => {
    expect(symmetricOf([0.5], [1], { ...narrow, signednessToForce: true })).toEqual({ scale: [1], signed: true });
  });

  it('is signed when all values are negative', () => {
    expect(symmetricOf([-4], [-1])).toEqual({ scale: [4], signed: true });
  });

  it('gives a channel at least a hundredth of the widest channel', () => {
    const { scale } = symmetricOf([-1, -1e-6, 0], [2, 1e-6, 0]);
    expect(scale).toEqual([2, Math.fround(0.02), Math.fround(0.02)]);
  });

  it('never goes below 8e-5, for values that are all zero', () => {
    expect(symmetricOf([0], [0])).toEqual({ scale: [Math.fround(8e-5)], signed: false });
  });

  it('doubles the scale of narrow weights to keep their codes within half of the range', () => {
    for (const bits of [2, 3, 4, 8]) {
      expect(symmetricOf([-3], [1], { ...narrow, bits }, { halfRange: true }).scale).toEqual([6]);
    }
    const full = symmetricOf([-127], [1], symmetric, { halfRange: true }).scale;
    expect(full).toEqual([255]);
  });

  it('works on more channels than a function takes arguments', () => {
    const channels = 300_000;
    const { scale } = symmetricOf(new Array(channels).fill(-1), new Array(channels).fill(1));
    expect(scale.length).toBe(channels);
  });
});

describe('asymmetric', () => {
  it('keeps a range in which zero is a code', () => {
    expect(asymmetricOf([-1], [254])).toEqual([{ low: -1, high: 254 }]);
  });

  it('holds zero also for values of one sign', () => {
    expect(asymmetricOf([2], [5])).toEqual([{ low: 0, high: 5 }]);
    expect(asymmetricOf([-5], [-2])).toEqual([{ low: -5, high: 0 }]);
  });

  it('widens what is narrower than 8e-4 by 8e-4 on both sides', () => {
    const [{ low, high }] = asymmetricOf([0], [0]);
    // [-8e-4, 8e-4] has zero at code 127.5, which rounds to 128: the lower end moves to -128/127 of the upper.
    expect(low).toBeCloseTo((-8e-4 * 128) / 127, 9);
    expect(high).toBeCloseTo(8e-4, 9);
  });

  it('moves the end that gives the wider range', () => {
    // 255 steps over [-1, 2]: zero is at code 85 exactly; over [-1, 2.01] at 84.7.
    expect(asymmetricOf([-1], [2])).toEqual([{ low: -1, high: 2 }]);
    const [{ low, high }] = asymmetricOf([-1], [2.01]);
    expect(low).toBeCloseTo((-85 / 170) * 2.01, 6);
    expect(high).toBeCloseTo(2.01, 6);
  });

  it('only ever grows the range, and puts zero on the grid, for all widths', () => {
    const value = fc.double({ min: -1e4, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(value, value, fc.integer({ min: 2, max: 8 }), (first, second, bits) => {
        const [min, max] = [Math.min(first, second), Math.max(first, second)];
        const [{ low, high }] = asymmetricOf([min], [max], bits);
        const size = high - low;
        expect(low).toBeLessThanOrEqual(Math.fround(min) + 1e-6 * size);
        expect(high).toBeGreaterThanOrEqual(Math.fround(max) - 1e-6 * size);
        const top = 2 ** bits - 1;
        const code = (-low / size) * top;
        // Where zero is within half a step of an end, NNCF's rule leaves the range as it is.
        if (code > 0.5 && code < top - 0.5) expect(Math.abs(code - Math.round(code))).toBeLessThan(1e-3);
      }),
    );
  });
});

it('merges statistics to the smallest minimum and the largest maximum', () => {
  const merged = mergeStatistics([statistics([-1, 0], [1, 2]), statistics([0, -3], [4, 1])]);
  expect([...merged.min]).toEqual([-1, -3]);
  expect([...merged.max]).toEqual([4, 2]);
});
