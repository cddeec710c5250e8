import fc from 'fast-check';
import { describe, it } from 'vitest';
import { createRandom, operand, type, uniform } from '../conformance/kernelCase.js';
import { expectReference, within } from './compare.js';

const examples = fc.record({
  shape: fc.array(fc.integer({ min: 1, max: 11 }), { minLength: 1, maxLength: 4 }),
  axis: fc.nat({ max: 3 }),
  spread: fc.constantFrom(1, 20, 200),
  seed: fc.nat(),
});

describe('softmax in WebAssembly', () => {
  it('agrees with the reference along every axis', () => {
    fc.assert(
      fc.property(examples, ({ shape, axis, spread, seed }) => {
        const attributes = { axis: axis % shape.length };
        const inputs = [uniform(createRandom(seed), shape, -spread, spread)];
        const outputs = [type(shape)];
        // x - maximum is rounded to float32 before the exponential.
        expectReference({ kernel: 'softmax', inputs, attributes, outputs }, within(5e-7 + 1.2e-7 * spread, 1e-37));
        expectReference({ kernel: 'logSoftmax', inputs, attributes, outputs }, within(2e-7, 4e-7));
      }),
      { numRuns: 60 },
    );
  });

  it('takes long rows and columns', () => {
    for (const [shape, axis] of [
      [[3, 3001], 1],
      [[3001, 5], 0],
    ] as const) {
      const inputs = [uniform(createRandom(1), shape, -5, 5)];
      expectReference({ kernel: 'softmax', inputs, attributes: { axis }, outputs: [type(shape)] }, within(2e-6, 0));
      expectReference(
        { kernel: 'logSoftmax', inputs, attributes: { axis }, outputs: [type(shape)] },
        within(2e-7, 4e-7),
      );
    }
  });

  it('takes NaN and infinities as the reference does', () => {
    const rows = [
      [1, Number.NaN, 2, 3, 4],
      [1, Infinity, 2, 3, 4],
      [1, -Infinity, 2, 3, 4],
      [-Infinity, -Infinity, -Infinity, -Infinity, -Infinity],
      [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
    ];
    const inputs = [operand([5, 5], rows.flat())];
    for (const axis of [0, 1]) {
      expectReference(
        { kernel: 'softmax', inputs, attributes: { axis }, outputs: [type([5, 5])] },
        within(1e-6, 1e-37),
      );
      const outputs = [type([5, 5])];
      expectReference({ kernel: 'logSoftmax', inputs, attributes: { axis }, outputs }, within(2e-7, 4e-7));
    }
  });
});
