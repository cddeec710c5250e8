import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { createRandom, operand, type, uniform } from '../conformance/kernelCase.js';
import { expectReference, runBothOrders, within } from './compare.js';

const images = fc.record({
  shape: fc
    .tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
    )
    .map(([batch, channels, spatial]) => [batch, channels, ...spatial]),
  /** Distance of the values from zero. */
  center: fc.constantFrom(0, 10, -300),
  seed: fc.nat(),
});

function checkBatchNorm(shape: readonly number[], center: number, seed: number): void {
  const random = createRandom(seed);
  const channels = [shape[1]];
  const x = uniform(random, shape, center - 2, center + 2);
  const gamma = uniform(random, channels, 0.5, 1.5);
  const attributes = { epsilon: 1e-3 };
  const outputs = [type(shape), type(channels), type(channels)];
  const tolerance = within(1e-6, 2e-6);
  expectReference(
    { kernel: 'batchNorm', inputs: [x, gamma, uniform(random, channels)], attributes, outputs },
    tolerance,
  );

  const beta = operand(channels, new Array<number>(shape[1]).fill(0));
  const [, mean, variance] = runReferenceKernel('batchNorm', [x, gamma, beta], attributes, outputs);
  const g = uniform(random, shape);
  const inputs = [g, x, gamma, operand(channels, mean), operand(channels, variance)];
  const size = g.values.length / shape[1];
  // Sums of `size` terms, each up to 4 from the mean and divided by a deviation of at least sqrt(epsilon).
  const sums = within(0, (2e-6 * size * 8) / Math.sqrt(attributes.epsilon));
  const slopes = within(1e-5, 1e-4);
  expectReference({ kernel: 'batchNormGradient', inputs, attributes, outputs }, (expected, output) =>
    output === 0 ? slopes(expected, 0) : sums(expected, output),
  );
}

describe('batchNorm in WebAssembly', () => {
  it('agrees with the reference, also far from zero', () => {
    fc.assert(
      fc.property(images, ({ shape, center, seed }) => checkBatchNorm(shape, center, seed)),
      { numRuns: 40 },
    );
  });

  it('joins groups of images, and planes longer than a group', () => {
    checkBatchNorm([21, 3, 32, 31], 5, 1);
    checkBatchNorm([3, 2, 97, 101], -5, 2);
    checkBatchNorm([300, 5], 1, 3);
    checkBatchNorm([20, 17, 25, 26], 1, 4);
    checkBatchNorm([9, 16], 1, 5);
  });

  it('is the same bits in two kernels', () => {
    fc.assert(
      fc.property(images, ({ shape, center, seed }) => {
        const random = createRandom(seed);
        const channels = [shape[1]];
        const x = uniform(random, shape, center - 2, center + 2);
        const [gamma, beta] = [uniform(random, channels, 0.5, 1.5), uniform(random, channels)];
        const attributes = { epsilon: 1e-3 };
        const channel = type(channels);
        const whole = runBothOrders({
          kernel: 'batchNorm',
          inputs: [x, gamma, beta],
          attributes,
          outputs: [type(shape), channel, channel],
        });
        const [mean, variance, shift] = runBothOrders({
          kernel: 'batchNormStatistics',
          inputs: [x, gamma, beta],
          attributes,
          outputs: [channel, channel, channel],
        });
        const given = [shift, mean, variance].map((values) => operand(channels, values));
        const inputs = [x, gamma, ...given];
        const [y] = expectReference(
          { kernel: 'batchNormInference', inputs, attributes, outputs: [type(shape)] },
          within(1e-6, 2e-6),
        );
        expect([y, mean, variance]).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('finds the variance of a channel whose groups have different means', () => {
    const shape = [16, 1, 64, 64];
    const random = createRandom(9);
    const x = uniform(random, shape);
    x.values.forEach((value, index) => {
      x.values[index] = value + 100 * Math.floor(index / 4096);
    });
    const outputs = [type(shape), type([1]), type([1])];
    const inputs = [x, operand([1], [1]), operand([1], [0])];
    expectReference({ kernel: 'batchNorm', inputs, attributes: { epsilon: 1e-5 }, outputs }, within(1e-6, 1e-6));
  });

  it('leaves empty batches to the reference', () => {
    const types = [type([0, 3]), type([3]), type([3])];
    expect(WASM_KERNELS.batchNorm?.(types, { epsilon: 1e-3 }, types)).toBeNull();
  });
});

describe('mvn in WebAssembly', () => {
  const rows = fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
    kept: fc.nat({ max: 3 }),
    center: fc.constantFrom(0, 10),
    seed: fc.nat(),
  });

  it('agrees with the reference over the last axes, gradient included', () => {
    fc.assert(
      fc.property(rows, ({ shape, kept, center, seed }) => {
        const random = createRandom(seed);
        const axes = shape.map((_, axis) => axis).filter((axis) => axis >= kept);
        const attributes = { axes, epsilon: 1e-2 };
        const x = uniform(random, shape, center - 2, center + 2);
        const outputs = [type(shape)];
        expectReference({ kernel: 'mvn', inputs: [x], attributes, outputs }, within(1e-6, 1e-6));
        const [y] = runReferenceKernel('mvn', [x], attributes, outputs);
        const inputs = [uniform(random, shape), operand(shape, y), x];
        expectReference({ kernel: 'mvnGradient', inputs, attributes, outputs }, within(1e-5, 2e-5));
      }),
      { numRuns: 40 },
    );
  });

  it('takes rows longer than a chunk of a sum', () => {
    const x = uniform(createRandom(3), [3, 2500], 90, 91);
    const attributes = { axes: [1], epsilon: 1e-5 };
    expectReference({ kernel: 'mvn', inputs: [x], attributes, outputs: [type([3, 2500])] }, within(2e-6, 2e-6));
  });

  it('leaves other axes to the reference', () => {
    const x = type([3, 4]);
    expect(WASM_KERNELS.mvn?.([x], { axes: [0], epsilon: 1e-3 }, [x])).toBeNull();
  });
});
