import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operand } from '../conformance/kernelCase.js';
import * as naive from '../naive.js';
import { dot, expectClose, FLOATING, numericGradient, randomOperand, run, runAll } from './run.js';

const epsilon = 1e-3;
const extent = fc.integer({ min: 1, max: 4 });
/** [N, C] up to [N, C, H, W], at least two elements per channel so that the variance says something. */
const batches = fc
  .tuple(fc.integer({ min: 2, max: 4 }), extent, fc.array(extent, { maxLength: 2 }))
  .map(([batch, channels, rest]) => [batch, channels, ...rest]);

describe('batchNorm', () => {
  it('normalises by hand', () => {
    const x = operand([2, 2, 1, 1], [1, 10, 3, 30]);
    const [y, mean, variance] = runAll('batchNorm', [x, operand([2], [2, 1]), operand([2], [0.5, 0])], { epsilon: 0 }, [
      x.shape,
      [2],
      [2],
    ]);
    expect([...mean]).toEqual([2, 20]);
    expect([...variance]).toEqual([1, 100]);
    expect([...y]).toEqual([-1.5, -1, 2.5, 1]);
  });

  it('keeps the digits of values far from zero', () => {
    const x = operand([4, 1], [10000001, 10000002, 10000003, 10000004]);
    const [, mean, variance] = runAll('batchNorm', [x, operand([1], [1]), operand([1], [0])], { epsilon }, [
      [4, 1],
      [1],
      [1],
    ]);
    expect(mean[0]).toBe(Math.fround(10000002.5));
    expect(variance[0]).toBe(1.25);
  });

  it.each(FLOATING)('follows the definition for random shapes in %s', (dtype) => {
    fc.assert(
      fc.property(batches, fc.nat(), (shape, seed) => {
        const x = randomOperand(shape, seed, dtype);
        const gamma = randomOperand([shape[1]], seed + 1, dtype);
        const beta = randomOperand([shape[1]], seed + 2, dtype);
        const [y, mean, variance] = runAll('batchNorm', [x, gamma, beta], { epsilon }, [shape, [shape[1]], [shape[1]]]);
        const expected = naive.batchNorm(x, gamma.values, beta.values, epsilon);
        expectClose(y, expected.values, dtype);
        expectClose(mean, expected.mean, dtype);
        expectClose(variance, expected.variance, dtype);
      }),
    );
  });

  it('has the gradients that finite differences give', () => {
    fc.assert(
      fc.property(batches, fc.nat(), (shape, seed) => {
        const x = randomOperand(shape, seed);
        const gamma = randomOperand([shape[1]], seed + 1);
        const beta = randomOperand([shape[1]], seed + 2);
        const g = randomOperand(shape, seed + 3);
        const { mean, variance } = naive.batchNorm(x, gamma.values, beta.values, 0.1);
        const statistics = [mean, variance].map((values) => operand([shape[1]], values, 'float64'));
        const gradients = runAll('batchNormGradient', [g, x, gamma, ...statistics], { epsilon: 0.1 }, [
          shape,
          [shape[1]],
          [shape[1]],
        ]);
        const loss = (values: ArrayLike<number>, scale: ArrayLike<number>, shift: ArrayLike<number>) =>
          dot(naive.batchNorm({ shape, values }, scale, shift, 0.1).values, g.values);
        const expected = [
          numericGradient((values) => loss(values, gamma.values, beta.values), x.values),
          numericGradient((values) => loss(x.values, values, beta.values), gamma.values),
          numericGradient((values) => loss(x.values, gamma.values, values), beta.values),
        ];
        gradients.forEach((gradient, index) => {
          gradient.forEach((value, i) => {
            expect(value).toBeCloseTo(expected[index][i], 6);
          });
        });
      }),
      { numRuns: 40 },
    );
  });

  it('agrees between the dtypes', () => {
    const shape = [3, 2, 4, 5];
    const draw = (dtype: 'float32' | 'float64') => {
      const x = randomOperand(shape, 1, dtype);
      const gamma = randomOperand([2], 2, dtype);
      const [, mean, variance] = runAll('batchNorm', [x, gamma, gamma], { epsilon }, [shape, [2], [2]]);
      const statistics = [mean, variance].map((values) => operand([2], values, dtype));
      const inputs = [randomOperand(shape, 3, dtype), x, gamma, ...statistics];
      return runAll('batchNormGradient', inputs, { epsilon }, [shape, [2], [2]]);
    };
    const exact = draw('float64');
    draw('float32').forEach((gradient, index) => {
      expectClose(gradient, exact[index], 'float32');
    });
  });
});

describe('mvn', () => {
  const cases = fc
    .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
    .chain((shape) =>
      fc.record({ shape: fc.constant(shape), axes: fc.subarray(shape.map((_, axis) => axis)), seed: fc.nat() }),
    );

  it('normalises by hand over the last and over the first axis', () => {
    const x = operand([2, 2], [1, 3, 5, 9]);
    expect([...run('mvn', [x], { axes: [1], epsilon: 0 }, [2, 2])]).toEqual([-1, 1, -1, 1]);
    expect([...run('mvn', [x], { axes: [0], epsilon: 0 }, [2, 2])]).toEqual([-1, -1, 1, 1]);
  });

  it('gives zero for equal values', () => {
    expect([...run('mvn', [operand([1, 3], [2, 2, 2])], { axes: [1], epsilon }, [1, 3])]).toEqual([0, 0, 0]);
  });

  it.each(FLOATING)('follows the definition for random axes in %s', (dtype) => {
    fc.assert(
      fc.property(cases, ({ shape, axes, seed }) => {
        const x = randomOperand(shape, seed, dtype);
        expectClose(run('mvn', [x], { axes, epsilon: 0.1 }, shape), naive.mvn(x, { axes, epsilon: 0.1 }), dtype);
      }),
    );
  });

  it.each(FLOATING)('has the gradient that finite differences give in %s', (dtype) => {
    fc.assert(
      fc.property(cases, ({ shape, axes, seed }) => {
        const attributes = { axes, epsilon: 0.1 };
        const x = randomOperand(shape, seed, dtype);
        const g = randomOperand(shape, seed + 1, dtype);
        const y = operand(shape, naive.mvn(x, attributes), dtype);
        const gradient = run('mvnGradient', [g, y, x], attributes, shape);
        const loss = (values: Float64Array) => dot(naive.mvn({ shape, values }, attributes), g.values);
        const expected = numericGradient(loss, x.values);
        gradient.forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i], dtype === 'float32' ? 4 : 6);
        });
      }),
      { numRuns: 40 },
    );
  });
});
