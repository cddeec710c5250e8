import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableLog, upperNormalQuantile } from '../../src/tensor/normalQuantile.js';

describe('portableLog', () => {
  it('agrees with Math.log to 15 digits', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -1022, max: 1, noNaN: true }), (x) => {
        const expected = Math.log(x);
        expect(Math.abs(portableLog(x) - expected)).toBeLessThanOrEqual(1e-15 * Math.max(Math.abs(expected), 1e-300));
      }),
      { numRuns: 1000 },
    );
    expect(portableLog(1)).toBe(0);
  });
});

describe('upperNormalQuantile', () => {
  // scipy 1.17.1: scipy.stats.norm.isf(tail); on both sides of the borders of the three approximations.
  it.each([
    [0.5, 0],
    [0.3, 0.5244005127080409],
    [0.075, 1.4395314709384563],
    [0.07, 1.4757910281791706],
    [0.01, 2.3263478740408408],
    [1e-4, 3.7190164854556804],
    [1e-9, 5.9978070150076865],
    [1.4e-11, 6.656723091518184],
    [1e-12, 7.034483825301131],
    [2 ** -54, 8.292361075813597],
  ])('of %d is %d', (tail, quantile) => {
    expect(Math.abs(upperNormalQuantile(tail) - quantile)).toBeLessThanOrEqual(2e-15 * quantile);
  });

  it('falls as the tail grows', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -54, max: 0.49, noNaN: true }), (tail) => {
        expect(upperNormalQuantile(tail)).toBeGreaterThan(upperNormalQuantile(tail * 1.0001));
      }),
    );
  });
});
