import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TensorType } from '../../../src/kernels/contract.js';
import type { TypedArray } from '../../../src/kernels/dtype.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { createRandom, operand, uniform } from '../conformance/kernelCase.js';
import { runKernel } from './runKernel.js';

/** NNCF's integer grids: signed, signed narrow, unsigned, and four bits. */
const GRIDS = [
  { levels: 256, levelLow: -128, levelHigh: 127 },
  { levels: 255, levelLow: -127, levelHigh: 127 },
  { levels: 256, levelLow: 0, levelHigh: 255 },
  { levels: 16, levelLow: -8, levelHigh: 7 },
] as const;

const grids = fc.constantFrom(...GRIDS);
/** Powers of ten over the span that NNCF's scales can have and far beyond. */
const scales = fc
  .tuple(fc.integer({ min: -30, max: 30 }), fc.double({ min: 1, max: 9.9, noNaN: true }))
  .map(([exponent, digits]) => digits * 10 ** exponent);

/** low and range of a symmetric quantizer, as NNCF derives them in float32 from a scale. */
function limitsOf(scale: number, { levelLow, levelHigh }: (typeof GRIDS)[number]): [HostOperand, HostOperand] {
  const rounded = Math.fround(scale);
  const low = Math.fround(rounded * Math.fround(levelLow / levelHigh));
  return [operand([1], [low]), operand([1], [Math.fround(rounded - low)])];
}

const fakeQuantize = (x: HostOperand, low: HostOperand, range: HostOperand, levels: number): TypedArray =>
  runKernel('fakeQuantize', [x, low, range], { levels }, x.shape).values;

const codesOf = (x: HostOperand, low: HostOperand, range: HostOperand, levels: number): TypedArray =>
  runKernel('fakeQuantizeCodes', [x, low, range], { levels }, x.shape, 'int32').values;

function gradient(
  g: HostOperand,
  x: HostOperand,
  low: HostOperand,
  range: HostOperand,
  grid: (typeof GRIDS)[number],
): { dx: number[]; dLow: number[]; dRange: number[] } {
  const types: TensorType[] = [x, low, range].map(({ shape, dtype }) => ({ shape, dtype }));
  const [dx, dLow, dRange] = runReferenceKernel('fakeQuantizeGradient', [g, x, low, range], grid, types);
  return { dx: [...dx], dLow: [...dLow], dRange: [...dRange] };
}

/** Without the sign of zero, which NNCF's formula leaves to the rounding errors. */
const unsignedZeros = (values: ArrayLike<number>): number[] => Array.from(values, (value) => value + 0);

/** Values around the range: inside, on the grid, on ties, and outside. */
const spanning = (scale: number, seed: number, length = 200): HostOperand =>
  uniform(createRandom(seed), [length], -1.5 * scale, 1.5 * scale);

describe('fakeQuantize', () => {
  it('rounds ties to the even code', () => {
    // Step 1: low -128, range 255.
    const x = operand([8], [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, -127.5]);
    const [low, range] = [operand([1], [-128]), operand([1], [255])];
    expect([...fakeQuantize(x, low, range, 256)]).toEqual([0, 2, 2, -0, -2, -2, 126, -128]);
  });

  it('maps zero to zero at every scale', () => {
    fc.assert(
      fc.property(grids, scales, (grid, scale) => {
        const y = fakeQuantize(operand([2], [0, -0]), ...limitsOf(scale, grid), grid.levels);
        expect(unsignedZeros(y)).toEqual([0, 0]);
      }),
    );
  });

  it('is idempotent, monotone, and off by at most half a step inside the range', () => {
    fc.assert(
      fc.property(grids, scales, fc.nat(), (grid, scale, seed) => {
        const [low, range] = limitsOf(scale, grid);
        const x = operand([200], spanning(scale, seed).values.slice().sort());
        const y = fakeQuantize(x, low, range, grid.levels);
        expect(unsignedZeros(fakeQuantize(operand([200], y), low, range, grid.levels))).toEqual(unsignedZeros(y));
        const step = range.values[0] / (grid.levels - 1);
        const high = low.values[0] + range.values[0];
        for (let index = 0; index < y.length; index++) {
          expect(index > 0 && y[index] < y[index - 1], `order at ${index}`).toBe(false);
          const nearest = Math.min(Math.max(x.values[index], low.values[0]), high);
          // Half a step and the float32 rounding of the steps of the formula.
          const allowed = step * 0.5 + Math.abs(range.values[0]) * 2 ** -22;
          expect(Math.abs(y[index] - nearest) <= allowed, `error at ${index}`).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('gives values that are codes times a step, with codes from levelLow to levelHigh', () => {
    fc.assert(
      fc.property(grids, scales, fc.nat(), (grid, scale, seed) => {
        const [low, range] = limitsOf(scale, grid);
        const x = spanning(scale, seed);
        const codes = codesOf(x, low, range, grid.levels);
        const s = Math.fround((grid.levels - 1) / range.values[0]);
        const expected = Float32Array.from(codes, (code) => code / s);
        expect(unsignedZeros(fakeQuantize(x, low, range, grid.levels))).toEqual([...expected]);
        expect(Math.min(...codes)).toBeGreaterThanOrEqual(grid.levelLow);
        expect(Math.max(...codes)).toBeLessThanOrEqual(grid.levelHigh);
      }),
      { numRuns: 50 },
    );
  });

  it('counts codes of an asymmetric grid from zero', () => {
    const x = operand([4], [-1, -0.25, 0, 9]);
    // Step 0.25, so that the zero point is 2 and codes run from -2 to 13.
    const [low, range] = [operand([1], [-0.5]), operand([1], [3.75])];
    expect([...codesOf(x, low, range, 16)]).toEqual([-2, -1, 0, 13]);
    expect([...fakeQuantize(x, low, range, 16)]).toEqual([-0.5, -0.25, 0, 3.25]);
  });

  it('quantizes each channel as it would quantize the slice alone', () => {
    const random = createRandom(7);
    const x = uniform(random, [2, 3, 5]);
    const low = operand([1, 3, 1], [-1, -0.3, -2]);
    const range = operand([1, 3, 1], [2, 0.6, 3]);
    const g = uniform(random, [2, 3, 5]);
    const y = fakeQuantize(x, low, range, 255);
    const together = gradient(g, x, low, range, GRIDS[1]);
    for (let channel = 0; channel < 3; channel++) {
      const pick = (values: ArrayLike<number>): number[] =>
        Array.from(values).filter((_, index) => Math.floor(index / 5) % 3 === channel);
      const [own, ownG] = [operand([10], pick(x.values)), operand([10], pick(g.values))];
      const limits = [low, range].map((each) => operand([1], [each.values[channel]]));
      expect(pick(y)).toEqual([...fakeQuantize(own, limits[0], limits[1], 255)]);
      const alone = gradient(ownG, own, limits[0], limits[1], GRIDS[1]);
      expect(pick(together.dx)).toEqual(alone.dx);
      expect(together.dLow[channel]).toBeCloseTo(alone.dLow[0], 6);
      expect(together.dRange[channel]).toBeCloseTo(alone.dRange[0], 6);
    }
  });

  it('clamps infinities, passes NaN through with code 0, and takes empty tensors', () => {
    const [low, range] = [operand([1], [-128]), operand([1], [255])];
    const x = operand([3], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
    expect([...fakeQuantize(x, low, range, 256)]).toEqual([127, -128, Number.NaN]);
    expect([...codesOf(x, low, range, 256)]).toEqual([127, -128, 0]);
    expect(fakeQuantize(operand([0, 4], []), low, range, 256).length).toBe(0);
    expect(fakeQuantize(operand([], [5.4]), low, range, 256)[0]).toBe(5);
  });

  it('computes in float64 without rounding to float32', () => {
    const limits = [operand([1], [-1], 'float64'), operand([1], [2], 'float64')];
    const y = fakeQuantize(operand([1], [0.3], 'float64'), limits[0], limits[1], 255);
    expect(y[0]).toBe(38 / 127);
  });
});

describe('fakeQuantizeGradient', () => {
  const [low, range] = [operand([1], [-128]), operand([1], [255])];

  it('passes gradients inside the range, its ends included, and stops them outside', () => {
    const x = operand([6], [-128, -128.5, 127, 127.5, 0.25, -300]);
    const g = operand([6], [1, 2, 4, 8, 16, 32]);
    const { dx, dLow, dRange } = gradient(g, x, low, range, GRIDS[0]);
    expect(dx).toEqual([1, 0, 4, 0, 16, 0]);
    expect(dLow).toEqual([2 + 8 + 32]);
    // Below: -128 / 127; above: 1; inside: (0 - 0.25) / 255.
    expect(dRange[0]).toBeCloseTo((2 + 32) * (-128 / 127) + 8 + 16 * (-0.25 / 255), 5);
  });

  it('takes the upper end as low + range rounded to float32, as the clamp does', () => {
    fc.assert(
      fc.property(scales, fc.double({ min: 0.1, max: 0.9, noNaN: true }), (scale, share) => {
        const limits = [operand([1], [-share * scale]), operand([1], [scale])];
        const high = Math.fround(limits[0].values[0] + limits[1].values[0]);
        const above = Math.fround(high + high * 2 ** -22);
        const { dx } = gradient(operand([2], [1, 1]), operand([2], [high, above]), limits[0], limits[1], GRIDS[2]);
        expect(dx).toEqual([1, 0]);
      }),
    );
  });

  it('gives NaN no gradient and lets it spoil no sum', () => {
    const x = operand([3], [Number.NaN, Number.POSITIVE_INFINITY, 1]);
    const { dx, dLow, dRange } = gradient(operand([3], [1, 2, 4]), x, low, range, GRIDS[0]);
    expect(dx).toEqual([0, 0, 4]);
    expect(dLow).toEqual([2]);
    expect(dRange).toEqual([2]);
  });

  it('stays finite at every scale', () => {
    fc.assert(
      fc.property(grids, scales, fc.nat(), (grid, scale, seed) => {
        const limits = limitsOf(scale, grid);
        const { dx, dLow, dRange } = gradient(
          uniform(createRandom(seed + 1), [200]),
          spanning(scale, seed),
          ...limits,
          grid,
        );
        expect([...dx, ...dLow, ...dRange].every(Number.isFinite)).toBe(true);
        expect(Math.abs(dRange[0])).toBeLessThan(200 * 2 * 1.15);
      }),
      { numRuns: 50 },
    );
  });

  it('differentiates the straight-through surrogate: codes held, range moved', () => {
    // y = low + range (code + 128) / 255 with low = levelLow / levelHigh scale, so that below dy / drange = levelLow / levelHigh
    // for the scale, NNCF's convention; for range alone the derivative inside is (y - x) / range.
    const x = operand([1], [10.3]);
    const { dRange } = gradient(operand([1], [1]), x, low, range, GRIDS[0]);
    expect(dRange[0]).toBeCloseTo((10 - 10.3) / 255, 7);
  });
});

describe('fakeQuantizeOpenvino', () => {
  it('rounds the index of the level, so ties of odd offsets fall the other way than in fakeQuantize', () => {
    // 255 levels over [-127, 127]: -0.5 is index 126.5 -> 126 -> code -1, where NNCF gives -0.
    const x = operand([4], [0.5, -0.5, 63.5, -63.5]);
    const limits = [-127, 127, -127, 127].map((each) => operand([], [each]));
    const y = runKernel('fakeQuantizeOpenvino', [x, ...limits], { levels: 255 }, [4]).values;
    expect([...y].map(Math.round)).toEqual([1, -1, 63, -63]);
    expect([...fakeQuantize(x, operand([1], [-127]), operand([1], [254]), 255)]).toEqual([0, -0, 64, -64]);
  });

  it('binarizes when the input limits meet: at the limit the lower output', () => {
    const inputs = [operand([3], [-1, 0, 1]), operand([], [0]), operand([], [0]), operand([], [-5]), operand([], [7])];
    expect([...runKernel('fakeQuantizeOpenvino', inputs, { levels: 2 }, [3]).values]).toEqual([-5, -5, 7]);
  });

  it('passes NaN through', () => {
    const inputs = [operand([1], [Number.NaN]), ...[-1, 1, -1, 1].map((each) => operand([], [each]))];
    expect(runKernel('fakeQuantizeOpenvino', inputs, { levels: 256 }, [1]).values[0]).toBe(Number.NaN);
  });
});

describe("agreement with NNCF's CPU kernel", () => {
  interface Recorded {
    readonly levels: number;
    readonly levelLow: number;
    readonly levelHigh: number;
    readonly shape: readonly number[];
    readonly limits: readonly number[];
    readonly [bits: string]: unknown;
  }
  // Written by fixtures/generate.py.
  const recorded = JSON.parse(
    readFileSync(new URL('./fixtures/fakeQuantize.json', import.meta.url), 'utf8'),
  ) as Recorded[];

  const floats = (each: Recorded, name: string): Float32Array => {
    const bytes = Uint8Array.from(Buffer.from(each[name] as string, 'hex'));
    return new Float32Array(bytes.buffer);
  };

  it.each(recorded.map((each, index) => [index, each] as const))(
    'case %i: outputs and masks bit by bit, sums closely',
    (_, each) => {
      const { levels, levelLow, levelHigh, shape, limits } = each;
      const [x, g] = ['x', 'g'].map((name) => operand(shape, floats(each, name)));
      const [low, range] = ['low', 'range'].map((name) => operand(limits, floats(each, name)));
      // Int32Array: compares bits, signs of zero included.
      const bitsOf = (values: ArrayLike<number>): Int32Array => new Int32Array(Float32Array.from(values).buffer);
      expect(bitsOf(fakeQuantize(x, low, range, levels))).toEqual(bitsOf(floats(each, 'y')));
      const { dx, dLow, dRange } = gradient(g, x, low, range, {
        levels,
        levelLow,
        levelHigh,
      } as (typeof GRIDS)[number]);
      expect(unsignedZeros(dx)).toEqual(unsignedZeros(floats(each, 'dx')));
      floats(each, 'dLow').forEach((value, channel) => {
        expect(dLow[channel]).toBeCloseTo(value, 4);
      });
      floats(each, 'dRange').forEach((value, channel) => {
        expect(dRange[channel]).toBeCloseTo(value, 4);
      });
    },
  );
});
