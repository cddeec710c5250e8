import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { createRandom, operand, uniform } from '../conformance/kernelCase.js';
import { NAIVE_ELEMENTWISE } from '../naiveElementwise.js';
import { runKernel } from './runKernel.js';

const FUNCTIONS = ['sum', 'mean', 'max', 'min', 'prod'] as const;

/** A shape, some of its axes, and whether they stay. */
const reductions = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    axes: fc.subarray(shape.map((_, axis) => axis)),
    keep: fc.boolean(),
    seed: fc.nat(),
  }),
);

describe('reduce', () => {
  it('agrees with the definition over any axes', () => {
    fc.assert(
      fc.property(reductions, ({ shape, axes, keep, seed }) => {
        const x = uniform(createRandom(seed), shape);
        const result = shape.flatMap((extent, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [extent]));
        for (const name of FUNCTIONS) {
          const attributes = { function: name, axes };
          const [expected] = NAIVE_ELEMENTWISE.reduce([x], attributes, [{ shape: result, dtype: 'float64' }]);
          const actual = runKernel('reduce', [x], attributes, result, 'float64').values;
          expect(actual.length).toBe(expected.length);
          for (let index = 0; index < actual.length; index++) {
            expect(actual[index]).toBeCloseTo(expected[index], 12);
          }
        }
      }),
    );
  });

  it('adds a million float32 tenths without drifting', () => {
    const x = operand([1000, 1000], new Float32Array(1e6).fill(0.1));
    const total = runKernel('reduce', [x], { function: 'sum', axes: [0, 1] }, []).values[0];
    expect(total).toBe(Math.fround(1e6 * Math.fround(0.1)));
  });

  it('carries NaN through, and defines reductions of nothing', () => {
    const x = operand([3], [1, Number.NaN, 2]);
    const empty = operand([2, 0], []);
    const neutral = { sum: 0, mean: Number.NaN, prod: 1, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };
    for (const name of FUNCTIONS) {
      expect(runKernel('reduce', [x], { function: name, axes: [0] }, []).values[0], name).toBe(Number.NaN);
      const ofNothing = runKernel('reduce', [empty], { function: name, axes: [1] }, [2]).values;
      expect([...ofNothing], name).toEqual([neutral[name], neutral[name]]);
      expect(runKernel('reduce', [empty], { function: name, axes: [0] }, [0]).values.length).toBe(0);
    }
  });
});

describe('topK', () => {
  const topK = (values: readonly number[], k: number, mode: 'max' | 'min') => {
    const types = [
      { shape: [k], dtype: 'float32' as const },
      { shape: [k], dtype: 'int32' as const },
    ];
    const [best, indices] = runReferenceKernel('topK', [operand([values.length], values)], { axis: 0, k, mode }, types);
    return { values: [...best], indices: [...indices] };
  };

  it('puts NaN above every number and keeps ties in order', () => {
    const values = [1, Number.NaN, Number.POSITIVE_INFINITY, 1, Number.NaN, -1];
    expect(topK(values, 6, 'max').indices).toEqual([1, 4, 2, 0, 3, 5]);
    expect(topK(values, 6, 'min').indices).toEqual([5, 0, 3, 2, 1, 4]);
  });

  it('is a prefix of the stable sort', () => {
    const lists = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(lists, fc.nat(), fc.constantFrom('max', 'min'), (values, seed, mode) => {
        const k = (seed % values.length) + 1;
        const sign = mode === 'max' ? -1 : 1;
        const order = values.map((_, index) => index).sort((a, b) => sign * (values[a] - values[b]));
        const result = topK(values, k, mode);
        expect(result.indices).toEqual(order.slice(0, k));
        expect(result.values).toEqual(result.indices.map((index) => values[index]));
      }),
    );
  });
});
