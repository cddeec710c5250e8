import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InterpolateAttributes } from '../../../src/kernels/contract.js';
import { operand } from '../conformance/kernelCase.js';
import * as naive from '../naive.js';
import { dot, expectClose, FLOATING, randomOperand, run } from './run.js';

const extent = fc.integer({ min: 1, max: 7 });
const cases = fc
  .record({
    mode: fc.constantFrom('nearest' as const, 'linear' as const),
    coordinates: fc.constantFrom(
      'asymmetric' as const,
      'half_pixel' as const,
      'pytorch_half_pixel' as const,
      'align_corners' as const,
    ),
    from: fc.tuple(extent, extent),
    to: fc.tuple(extent, extent),
    batch: fc.integer({ min: 0, max: 2 }),
    // A factor given by the user need not be the ratio of the sizes.
    stretch: fc.constantFrom(1, 1, 0.9, 1.2),
    seed: fc.nat(),
  })
  .map(({ mode, coordinates, from, to, batch, stretch, seed }) => {
    const steps = from.map((input, axis) => {
      if (coordinates === 'align_corners') {
        return to[axis] > 1 ? (input - 1) / (to[axis] - 1) : 0;
      }
      return (input / to[axis]) * stretch;
    });
    return { input: [batch, 2, ...from], output: [batch, 2, ...to], attributes: { mode, coordinates, steps }, seed };
  });

/** Resizes one row of pixels. */
const resize = (values: number[], outputs: number, attributes: Omit<InterpolateAttributes, 'steps'>, step: number) => [
  ...run('interpolate', [operand([1, 1, 1, values.length], values)], { ...attributes, steps: [1, step] }, [
    1,
    1,
    1,
    outputs,
  ]),
];

describe('interpolate', () => {
  it('takes the nearest pixel by hand', () => {
    const x = [0, 10, 20];
    expect(resize(x, 5, { mode: 'nearest', coordinates: 'asymmetric' }, 3 / 5)).toEqual([0, 0, 10, 10, 20]);
    expect(resize(x, 6, { mode: 'nearest', coordinates: 'half_pixel' }, 1 / 2)).toEqual([0, 0, 10, 10, 20, 20]);
    expect(resize([0, 10, 20, 30], 2, { mode: 'nearest', coordinates: 'half_pixel' }, 2)).toEqual([10, 30]);
  });

  it('interpolates linearly by hand', () => {
    const x = [0, 4];
    expect(resize(x, 4, { mode: 'linear', coordinates: 'half_pixel' }, 1 / 2)).toEqual([0, 1, 3, 4]);
    expect(resize(x, 4, { mode: 'linear', coordinates: 'asymmetric' }, 1 / 2)).toEqual([0, 2, 4, 4]);
    expect(resize(x, 5, { mode: 'linear', coordinates: 'align_corners' }, 1 / 4)).toEqual([0, 1, 2, 3, 4]);
    expect(resize(x, 1, { mode: 'linear', coordinates: 'half_pixel' }, 2)).toEqual([2]);
    expect(resize(x, 1, { mode: 'linear', coordinates: 'pytorch_half_pixel' }, 2)).toEqual([0]);
  });

  it('weights both axes', () => {
    const x = operand([1, 1, 2, 2], [0, 4, 8, 20]);
    const attributes = { mode: 'linear', coordinates: 'align_corners', steps: [0.5, 0.5] } as const;
    expect([...run('interpolate', [x], attributes, [1, 1, 3, 3])]).toEqual([0, 2, 4, 4, 8, 12, 8, 14, 20]);
    const g = operand([1, 1, 3, 3], [0, 0, 0, 0, 4, 0, 0, 0, 8]);
    expect([...run('interpolateGradient', [g], attributes, [1, 1, 2, 2])]).toEqual([1, 1, 1, 9]);
  });

  it.each(FLOATING)('and its gradient follow the definition for random sizes in %s', (dtype) => {
    fc.assert(
      fc.property(cases, ({ input, output, attributes, seed }) => {
        const x = randomOperand(input, seed, dtype);
        const g = randomOperand(output, seed + 1, dtype);
        const y = run('interpolate', [x], attributes, output);
        const dx = run('interpolateGradient', [g], attributes, input);
        expectClose(y, naive.interpolate(x, attributes, output), dtype);
        expectClose(dx, naive.interpolateGradient(g, attributes, input), dtype);
        expect(dot(x.values, dx)).toBeCloseTo(dot(y, g.values), dtype === 'float32' ? 3 : 9);
      }),
      { numRuns: 200 },
    );
  });
});
