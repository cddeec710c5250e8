/** GPU.js's normalizations on groups short and long, near zero and far from it, against the reference kernels. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { createRandom, operand, type Random, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './against.js';

type Shape = readonly number[];

/** A short group, one whose chunks differ in length by one, and planes of one pixel. */
const SHAPES: readonly (readonly [Shape, boolean])[] = [
  [[3, 2, 5, 7], false],
  [[7, 3, 13, 17], true],
  [[1200, 2], true],
  [[2, 3, 1, 1], false],
];

const drawBatchNorm = (random: Random, shape: Shape): HostOperand[] => [
  uniform(random, shape),
  uniform(random, [shape[1]], 0.5, 1.5),
  uniform(random, [shape[1]]),
];

describe.each(['cpu', 'webasm'] as const)('normalizations in %s mode', (mode) => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode });
  });
  afterAll(() => backend.dispose());

  it.each(SHAPES)('normalize a batch of shape [%s]', (shape, isLong) => {
    const random = createRandom(6);
    const inputs = drawBatchNorm(random, shape);
    const attributes = { epsilon: 1e-5 };
    const channels = type([shape[1]]);
    const outputs = [type(shape), channels, channels];
    expect(expectAsReference(backend, { kernel: 'batchNorm', inputs, attributes, outputs }, 2e-6)).toBe(isLong ? 3 : 2);
    const statistics = [channels, channels, channels];
    const forStatistics = { kernel: 'batchNormStatistics', inputs, attributes, outputs: statistics } as const;
    expect(expectAsReference(backend, forStatistics, 2e-6)).toBe(isLong ? 2 : 1);
    const [, mean, variance] = runReferenceKernel('batchNorm', inputs, attributes, outputs);
    const [x, gamma, beta] = inputs;
    const moments = [operand([shape[1]], mean), operand([shape[1]], variance)];
    const forInference = [x, gamma, beta, ...moments];
    const inference = {
      kernel: 'batchNormInference',
      inputs: forInference,
      attributes,
      outputs: [type(shape)],
    } as const;
    expect(expectAsReference(backend, inference, 2e-6)).toBe(1);
    const forGradient = [uniform(random, shape), x, gamma, ...moments];
    const gradient = { kernel: 'batchNormGradient', inputs: forGradient, attributes, outputs } as const;
    expect(expectAsReference(backend, gradient, 2e-5)).toBe(isLong ? 3 : 2);
  });

  it('compute the variance about the mean: it stays exact far from zero', () => {
    const random = createRandom(7);
    const shape = [5, 2, 16, 17];
    const [x, gamma, beta] = drawBatchNorm(random, shape);
    const far = operand(
      shape,
      x.values.map((value) => value * 0.5 + 3000),
    );
    const channels = type([2]);
    const run = { inputs: [far, gamma, beta], attributes: { epsilon: 1e-3 } };
    const outputs = [type(shape), channels, channels];
    // The mean squared is 1e7 times the variance, which float32 cannot tell apart.
    expectAsReference(backend, { kernel: 'batchNorm', ...run, outputs }, 3e-6);
    const planes = { axes: [0, 2, 3], epsilon: 1e-3 };
    expectAsReference(backend, { kernel: 'mvn', inputs: [far], attributes: planes, outputs: [type(shape)] }, 3e-6);
  });

  it('normalize equal elements to the shift, and keep NaN and infinities in their channel', () => {
    for (const elements of [6, 1500]) {
      const values = Array.from({ length: 4 * elements }, (_, index) => (index < elements ? 0.1 : (index % 7) - 3));
      values[elements + 5] = Number.NaN;
      values[2 * elements + 4] = Number.POSITIVE_INFINITY;
      const inputs = [operand([1, 4, elements], values), operand([4], [1, 2, 1, 1]), operand([4], [0.5, 0, 0, 0])];
      const outputs = [type([1, 4, elements]), type([4]), type([4])];
      expectAsReference(backend, { kernel: 'batchNorm', inputs, attributes: { epsilon: 1e-5 }, outputs }, 1e-5);
    }
  });

  it('normalize along any axes', () => {
    const grouped = fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
      chosen: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      seed: fc.integer({ min: 0, max: 2 ** 31 }),
    });
    const check = (shape: Shape, axes: readonly number[], random: Random): void => {
      const x = uniform(random, shape);
      const attributes = { axes, epsilon: 1e-3 };
      const outputs = [type(shape)];
      expectAsReference(backend, { kernel: 'mvn', inputs: [x], attributes, outputs }, 3e-6);
      const [y] = runReferenceKernel('mvn', [x], attributes, outputs);
      const inputs = [uniform(random, shape), operand(shape, y), x];
      // A gradient is as large as 1 / sqrt(epsilon).
      expectAsReference(backend, { kernel: 'mvnGradient', inputs, attributes, outputs }, 1e-4);
    };
    fc.assert(
      fc.property(grouped, ({ shape, chosen, seed }) => {
        const axes = shape.map((_, axis) => axis).filter((axis) => chosen[axis]);
        check(shape, axes, createRandom(seed));
      }),
      { numRuns: 10 },
    );
    check([40, 3, 37], [0, 2], createRandom(8));
  });
});
