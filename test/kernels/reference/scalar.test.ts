import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  erf,
  erfc,
  gelu,
  mish,
  roundHalfEven,
  roundSmallHalfEven,
  sigmoid,
  softplus,
  swish,
} from '../../../src/kernels/reference/scalar.js';

const relativeError = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.abs(expected);

describe('roundHalfEven', () => {
  it('resolves ties to the even neighbour and keeps the sign of zero', () => {
    const pairs: [number, number][] = [
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [3.5, 4],
      [-0.5, -0],
      [-1.5, -2],
      [-2.5, -2],
      [0.49999999999999994, 0],
      [-0.3, -0],
      [0, 0],
      [-0, -0],
      [254.5, 254],
      [2 ** 51 + 0.5, 2 ** 51],
      [2 ** 51 + 1.5, 2 ** 51 + 2],
      [-(2 ** 51) - 1.5, -(2 ** 51) - 2],
      [2 ** 53 + 2, 2 ** 53 + 2],
      [1e300, 1e300],
    ];
    for (const [x, rounded] of pairs) {
      expect(roundHalfEven(x), `${x}`).toBe(rounded);
    }
  });

  it('keeps NaN and infinities', () => {
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(roundHalfEven(x)).toBe(x);
      expect(roundSmallHalfEven(x)).toBe(x);
    }
  });

  it('gives the nearest integer', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e17, max: 1e17, noNaN: true }), (x) => {
        const rounded = roundHalfEven(x);
        expect(Number.isInteger(rounded)).toBe(true);
        expect(Math.abs(rounded - x)).toBeLessThanOrEqual(0.5);
        if (Math.abs(x) < 2 ** 51) {
          expect(roundSmallHalfEven(x)).toBe(rounded);
        }
      }),
    );
  });
});

describe('erf', () => {
  // From mpmath: [x, erf(x), erfc(x)].
  const KNOWN: [number, number, number][] = [
    [1e-10, 1.1283791670955126e-10, 0.999999999887162],
    [0.1, 0.1124629160182849, 0.887537083981715],
    [0.46875, 0.49261347321793797, 0.507386526782062],
    [0.5, 0.5204998778130465, 0.4795001221869535],
    [1, 0.8427007929497149, 0.15729920705028513],
    [2, 0.9953222650189527, 0.004677734981047266],
    [3.5, 0.9999992569016276, 7.430983723414128e-7],
    [4.5, 0.9999999998033839, 1.9661604415428876e-10],
    [6, 1.0, 2.1519736712498913e-17],
    [20, 1.0, 5.395865611607901e-176],
  ];

  it('has the known values to the last digits of a double', () => {
    for (const [x, value, complement] of KNOWN) {
      expect(relativeError(erf(x), value), `erf(${x})`).toBeLessThan(5e-16);
      expect(relativeError(erfc(x), complement), `erfc(${x})`).toBeLessThan(5e-15);
      expect(erf(-x)).toBe(-erf(x));
      expect(relativeError(erfc(-x), 2 - complement), `erfc(-${x})`).toBeLessThan(5e-16);
    }
  });

  it('is monotone, bounded and right at the ends', () => {
    const values = Array.from({ length: 14001 }, (_, index) => erf(-7 + index / 1000));
    expect(values.filter((value, index) => index > 0 && value < values[index - 1])).toEqual([]);
    expect(Math.max(...values.map(Math.abs))).toBe(1);
    expect([erf(Number.POSITIVE_INFINITY), erf(Number.NEGATIVE_INFINITY), erf(Number.NaN)]).toEqual([
      1,
      -1,
      Number.NaN,
    ]);
    expect([erfc(Number.POSITIVE_INFINITY), erfc(Number.NEGATIVE_INFINITY)]).toEqual([0, 2]);
  });
});

describe('activations', () => {
  it('stay finite and accurate where the plain formula overflows or cancels', () => {
    expect(sigmoid(-740)).toBeCloseTo(0, 300);
    expect(sigmoid(-740)).toBeGreaterThan(0);
    expect(sigmoid(800)).toBe(1);
    expect(softplus(1000)).toBe(1000);
    expect(relativeError(softplus(-40), Math.exp(-40))).toBeLessThan(1e-15);
    expect(mish(1000)).toBe(1000);
    expect(swish(-800)).toBeCloseTo(0, 300);
    // mpmath: gelu(-10) = -10 erfc(10 / sqrt 2) / 2, where 1 + erf would give 0.
    expect(relativeError(gelu(-10), -7.619853024160526e-23)).toBeLessThan(1e-13);
  });
});
