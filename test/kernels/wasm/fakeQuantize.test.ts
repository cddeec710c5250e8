import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { createRandom, operand, type Random, sizeOf, type, uniform } from '../conformance/kernelCase.js';
import { exact, expectEach, expectReference, runBothOrders } from './compare.js';

interface Grid {
  readonly levels: number;
  readonly levelLow: number;
  readonly levelHigh: number;
}

const grids: fc.Arbitrary<Grid> = fc
  .record({ bits: fc.integer({ min: 2, max: 8 }), signed: fc.boolean(), narrow: fc.boolean() })
  .map(({ bits, signed, narrow }) => {
    const half = 2 ** (bits - 1);
    const levelLow = signed ? (narrow ? 1 - half : -half) : 0;
    const levelHigh = signed ? half - 1 : 2 * half - 1;
    return { levels: levelHigh - levelLow + 1, levelLow, levelHigh };
  });

/** A tensor, an axis with limits of its own (null: one range), and numbers. */
interface Example extends Grid {
  readonly shape: readonly number[];
  readonly axis: number | null;
  readonly seed: number;
}

const examples: fc.Arbitrary<Example> = fc
  .record({
    shape: fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 1, maxLength: 4 }),
    channel: fc.option(fc.nat({ max: 3 })),
    grid: grids,
    seed: fc.nat(),
  })
  .map(({ shape, channel, grid, seed }) => ({
    ...grid,
    shape,
    axis: channel === null ? null : channel % shape.length,
    seed,
  }));

/** Values on ties, on the ends of the range, on zeros of both signs and special ones, among random ones. */
function awkward(random: Random, low: number, range: number, levels: number): number {
  const scale = (levels - 1) / range;
  const choices = [
    () => low + range * (1.6 * random() - 0.3),
    () => low + (Math.floor(random() * levels) + 0.5) / scale,
    () => (Math.floor(random() * levels) - levels / 2 + 0.5) / scale,
    () => [low, low + range, 0, -0, Number.NaN, Infinity, -Infinity, 1e-45, -1e-45, 3e38][Math.floor(random() * 10)],
  ];
  return choices[Math.floor(random() * choices.length)]();
}

function inputsOf({ shape, axis, levels, seed }: Example): readonly [HostOperand, HostOperand, HostOperand] {
  const random = createRandom(seed);
  const limits = axis === null ? [1] : shape.map((extent, each) => (each === axis ? extent : 1));
  const low = uniform(random, limits, -3, random() < 0.3 ? 0 : 1);
  const range = uniform(random, limits, 1e-3, 4);
  const count = axis === null ? 1 : shape[axis];
  const inner = axis === null ? 1 : sizeOf(shape.slice(axis + 1));
  const values = Array.from({ length: sizeOf(shape) }, (_, index) => {
    const channel = axis === null ? 0 : Math.floor(index / inner) % count;
    return awkward(random, low.values[channel], range.values[channel], levels);
  });
  return [operand(shape, values), low, range];
}

describe('fakeQuantize in WebAssembly', () => {
  it('has the bits of the reference on 10,000 values with ties, ends, zeros, NaN and infinities', () => {
    for (const [seed, { levels, low, range }] of [
      { levels: 256, low: -1.28, range: 2.55 },
      { levels: 255, low: -1, range: 2 },
      { levels: 256, low: 0, range: 1.5 },
      { levels: 16, low: -0.8, range: 1.5 },
      { levels: 2, low: -1, range: 2 },
      { levels: 256, low: 1000, range: 1e-3 },
    ].entries()) {
      const random = createRandom(seed);
      const values = Array.from({ length: 10_000 }, () => awkward(random, low, range, levels));
      const inputs = [operand([10_000], values), operand([1], [low]), operand([1], [range])];
      expectReference({ kernel: 'fakeQuantize', inputs, attributes: { levels }, outputs: [type([10_000])] }, exact);
      const outputs = [type([10_000], 'int32')];
      expectReference({ kernel: 'fakeQuantizeCodes', inputs, attributes: { levels }, outputs }, exact);
    }
  });

  it('has the bits of the reference for every shape and axis', () => {
    fc.assert(
      fc.property(examples, (example) => {
        const inputs = inputsOf(example);
        const { levels, shape } = example;
        expectReference({ kernel: 'fakeQuantize', inputs, attributes: { levels }, outputs: [type(shape)] }, exact);
        const outputs = [type(shape, 'int32')];
        expectReference({ kernel: 'fakeQuantizeCodes', inputs, attributes: { levels }, outputs }, exact);
      }),
      { numRuns: 60 },
    );
  });
});

describe('fakeQuantizeGradient in WebAssembly', () => {
  /** dx to the bit; a sum within 2e-7 of the sum of its terms' sizes. */
  function check(example: Example): void {
    const { levels, levelLow, levelHigh, shape } = example;
    const [x, low, range] = inputsOf(example);
    const g = uniform(createRandom(example.seed + 1), shape);
    const attributes = { levels, levelLow, levelHigh };
    const outputs = [type(shape), type(low.shape), type(low.shape)];
    const inputs = [g, x, low, range];
    const results = runBothOrders({ kernel: 'fakeQuantizeGradient', inputs, attributes, outputs });
    const expected = runReferenceKernel('fakeQuantizeGradient', inputs, attributes, outputs);
    expectEach(results[0], expected[0], exact, 0, 'dx');
    const size = Array.from(g.values).reduce((sum, each) => sum + Math.abs(each), 0);
    const ratio = Math.max(1, Math.abs(levelLow / levelHigh));
    expectEach(results[1], expected[1], () => 2e-7 * size, 1, 'dlow');
    expectEach(results[2], expected[2], () => 2e-7 * size * ratio, 2, 'drange');
  }

  it('agrees with the reference for every shape and axis', () => {
    fc.assert(fc.property(examples, check), { numRuns: 60 });
  });

  it('adds the blocks of large tensors and of long channels', () => {
    const grid = { levels: 256, levelLow: -128, levelHigh: 127 };
    check({ ...grid, shape: [3, 20_001], axis: null, seed: 1 });
    check({ ...grid, shape: [2, 3, 9_001], axis: 1, seed: 2 });
    check({ ...grid, shape: [5, 8_192], axis: 0, seed: 3 });
  });

  it('leaves a grid without codes above zero to the reference', () => {
    const inputs = [operand([2], [1, 1]), operand([2], [-2, 0.5]), operand([1], [-1]), operand([1], [2])];
    const attributes = { levels: 2, levelLow: -1, levelHigh: 0 };
    const outputs = [type([2]), type([1]), type([1])];
    expect(() => runBothOrders({ kernel: 'fakeQuantizeGradient', inputs, attributes, outputs })).toThrow('not covered');
  });
});

describe('fakeQuantizeOpenvino in WebAssembly', () => {
  it('has the bits of the reference with limits of every broadcast shape', () => {
    const limits = fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      kept: fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
      levels: fc.integer({ min: 2, max: 256 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(limits, ({ shape, kept, levels, seed }) => {
        const random = createRandom(seed);
        const operands = [0, 1, 2, 3].map((which) => {
          const own = shape.map((extent, axis) => (kept[which * 4 + axis] ? extent : 1));
          return uniform(random, own, which % 2 === 0 ? -2 : 0, which % 2 === 0 ? 0 : 2);
        });
        const x = operand(
          shape,
          Array.from({ length: sizeOf(shape) }, () => awkward(random, -1, 2, levels)),
        );
        const attributes = { levels };
        expectReference(
          { kernel: 'fakeQuantizeOpenvino', inputs: [x, ...operands], attributes, outputs: [type(shape)] },
          exact,
        );
      }),
      { numRuns: 60 },
    );
  });
});
