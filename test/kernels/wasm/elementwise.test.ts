import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { BinaryFunction } from '../../../src/kernels/contract.js';
import { createRandom, operand, type, uniform } from '../conformance/kernelCase.js';
import { exact, expectReference } from './compare.js';

/** Shapes that broadcast together: extents, and whether each operand has them. */
const pairs = fc.record({
  axes: fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean(), fc.boolean()), { maxLength: 5 }),
  leftRank: fc.nat({ max: 5 }),
  name: fc.constantFrom<BinaryFunction>('add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'less', 'equal'),
  seed: fc.nat(),
});

describe('binary in WebAssembly', () => {
  it('broadcasts as the reference, to the bit', () => {
    fc.assert(
      fc.property(pairs, ({ axes, leftRank, name, seed }) => {
        const random = createRandom(seed);
        const left = axes.map(([extent, own]) => (own ? extent : 1)).slice(Math.max(axes.length - leftRank, 0));
        const right = axes.map(([extent, , own]) => (own ? extent : 1));
        const shape = axes.map(([extent, a, b], axis) => ((a && axis >= axes.length - leftRank) || b ? extent : 1));
        const inputs = [uniform(random, left), uniform(random, right, 0.5, 2)];
        const dtype = name === 'less' || name === 'equal' ? 'bool' : 'float32';
        expectReference(
          { kernel: 'binary', inputs, attributes: { function: name }, outputs: [type(shape, dtype)] },
          exact,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('cuts long rows into blocks', () => {
    const random = createRandom(1);
    for (const length of [4095, 4096, 4097, 8192, 12_301]) {
      const inputs = [uniform(random, [2, length]), uniform(random, [2, 1])];
      expectReference(
        { kernel: 'binary', inputs, attributes: { function: 'add' }, outputs: [type([2, length])] },
        exact,
      );
    }
  });

  it('does nothing on empty tensors', () => {
    const inputs = [operand([0, 3], []), operand([3], [1, 2, 3])];
    expectReference({ kernel: 'binary', inputs, attributes: { function: 'add' }, outputs: [type([0, 3])] }, exact);
  });
});
