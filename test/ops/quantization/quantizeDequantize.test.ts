/** The grid below the trained quantizers, over the whole range of float32 and in float64. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantizeCodes, quantizeDequantize } from '../../../src/ops/quantization/quantizeDequantize.js';
import { full, tensor, zeros } from '../../../src/tensor/create.js';
import { float32, magnitude, plain, relativeValues, STEP_TOLERANCE, symmetricCodeRange } from './arbitraries.js';

describe('quantizeDequantize', () => {
  it.each(['float32', 'float64'] as const)('rounds to the grid of any size from 1e-30 to 1e30 in %s', (dtype) => {
    const tolerance = dtype === 'float32' ? STEP_TOLERANCE : 1e-12;
    fc.assert(
      fc.property(relativeValues, magnitude(-30, 30), symmetricCodeRange, (relative, scale, codes) => {
        const step = scale / codes.levelHigh;
        const [low, range] = [codes.levelLow * step, (codes.levelHigh - codes.levelLow) * step];
        const parameters = [low, range].map((value) => full([1], value, { dtype })) as [typeof x, typeof x];
        const x = tensor(new Float64Array(relative.map((value) => value * scale)), { dtype });
        const y = plain(quantizeDequantize(x, ...parameters, codes));
        const found = plain(quantizeCodes(x, ...parameters, codes));
        x.dataSync().forEach((value, index) => {
          const exact = Math.min(Math.max(value / step, codes.levelLow), codes.levelHigh);
          expect(Math.abs(found[index] - exact)).toBeLessThanOrEqual(0.5 + tolerance);
          expect(Math.abs(y[index] / step - found[index])).toBeLessThanOrEqual(tolerance);
        });
      }),
    );
  });

  it('takes scalars as parameters and gives nothing for nothing', () => {
    const codes = { levelLow: 0, levelHigh: 3 };
    expect(plain(quantizeDequantize(float32([0.4, 9]), full([], 0), full([], 3), codes))).toEqual([0, 3]);
    expect(quantizeDequantize(zeros([0]), full([], 0), full([], 3), codes).shape).toEqual([0]);
  });

  it('names both shapes when low and range differ', () => {
    const codes = { levelLow: 0, levelHigh: 3 };
    expect(() => quantizeDequantize(zeros([2, 3]), zeros([1, 3]), zeros([1]), codes)).toThrow(/\[1, 3\].*\[1\]/);
  });
});
