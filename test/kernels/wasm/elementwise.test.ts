import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { BinaryFunction } from '../../../src/kernels/contract.js';
import { booleans, createRandom, operand, type, uniform } from '../conformance/kernelCase.js';
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

  it('wraps and compares int32, and selects and converts it', () => {
    const random = createRandom(2);
    const values = [2147483647, -2147483648, 0, -1, 1, 65537, -65537, 123456789];
    const a = operand(
      [3, 8],
      [0, 1, 2].flatMap((shift) => values.map((_, index) => values[(index + shift) % 8])),
      'int32',
    );
    const inputs = [a, operand([8], values, 'int32')];
    for (const name of ['add', 'subtract', 'multiply', 'maximum', 'minimum'] as const) {
      const outputs = [type([3, 8], 'int32')];
      expectReference({ kernel: 'binary', inputs, attributes: { function: name }, outputs }, exact);
    }
    for (const name of ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const) {
      const outputs = [type([3, 8], 'bool')];
      expectReference({ kernel: 'binary', inputs, attributes: { function: name }, outputs }, exact);
    }
    const outputs = [type([3, 8], 'int32')];
    expectReference(
      { kernel: 'select', inputs: [booleans(random, [3, 1]), ...inputs], attributes: {}, outputs },
      exact,
    );
    expectReference({ kernel: 'broadcast', inputs: [inputs[1]], attributes: {}, outputs }, exact);
    expectReference({ kernel: 'convert', inputs: [a], attributes: {}, outputs: [type([3, 8])] }, exact);
    expectReference({ kernel: 'convert', inputs: [a], attributes: {}, outputs: [type([3, 8], 'bool')] }, exact);
    const floats = operand([6], [Number.NaN, Infinity, -Infinity, 2.9, -2.9, 3e9]);
    expectReference({ kernel: 'convert', inputs: [floats], attributes: {}, outputs: [type([6], 'int32')] }, exact);
    const bools = booleans(random, [9]);
    expectReference({ kernel: 'convert', inputs: [bools], attributes: {}, outputs: [type([9], 'int32')] }, exact);
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
