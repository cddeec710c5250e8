/** Integer codes of quantizers. */
import { describe, expect, it } from 'vitest';
import { codeRange, type QuantizationMode } from '../../src/quant/spec.js';

describe('codeRange', () => {
  const range = (mode: QuantizationMode, bits: number, signed: boolean, narrowRange: boolean): number[] => {
    const { levelLow, levelHigh } = codeRange({ mode, bits, signed, narrowRange });
    return [levelLow, levelHigh];
  };

  it('has the codes of 8-bit integers', () => {
    expect(range('symmetric', 8, true, false)).toEqual([-128, 127]);
    expect(range('symmetric', 8, true, true)).toEqual([-127, 127]);
    expect(range('symmetric', 8, false, false)).toEqual([0, 255]);
    expect(range('symmetric', 8, false, true)).toEqual([0, 254]);
    expect(range('asymmetric', 8, false, false)).toEqual([0, 255]);
  });

  it.each([2, 3, 4, 5, 6, 7, 8])('has 2^%i values, one less where narrow', (bits) => {
    for (const mode of ['symmetric', 'asymmetric'] as const)
      for (const signed of [true, false])
        for (const narrow of [true, false]) {
          const [low, high] = range(mode, bits, signed, narrow);
          expect(high - low + 1).toBe(2 ** bits - (narrow ? 1 : 0));
          expect(low).toBeLessThanOrEqual(0);
          expect(high).toBeGreaterThan(0);
        }
  });

  it('is symmetric for weights', () => {
    const [low, high] = range('symmetric', 2, true, true);
    expect([low, high]).toEqual([-1, 1]);
  });
});
