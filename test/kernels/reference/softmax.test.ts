import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operand } from '../conformance/kernelCase.js';
import * as naive from '../naive.js';
import { expectClose, FLOATING, randomOperand, run } from './run.js';

const cases = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
  .chain((shape) => fc.record({ shape: fc.constant(shape), axis: fc.nat(shape.length - 1), seed: fc.nat() }));

describe('softmax', () => {
  it('gives shares by hand', () => {
    const x = operand([1, 3], [0, Math.log(2), Math.log(5)], 'float64');
    expectClose(run('softmax', [x], { axis: 1 }, [1, 3]), [1 / 8, 2 / 8, 5 / 8]);
    expectClose(run('logSoftmax', [x], { axis: 1 }, [1, 3]), [1 / 8, 2 / 8, 5 / 8].map(Math.log));
  });

  it('does not overflow', () => {
    const x = operand([3], [1e30, 0, -1e30]);
    expect([...run('softmax', [x], { axis: 0 }, [3])]).toEqual([1, 0, 0]);
    expect([...run('logSoftmax', [operand([2], [1000, 0])], { axis: 0 }, [2])]).toEqual([0, -1000]);
  });

  it('keeps NaN in its line', () => {
    const x = operand([2, 2], [0, Number.NaN, 0, 0]);
    expect([...run('softmax', [x], { axis: 1 }, [2, 2])]).toEqual([Number.NaN, Number.NaN, 0.5, 0.5]);
    expect([...run('logSoftmax', [x], { axis: 0 }, [2, 2])].map(Number.isNaN)).toEqual([false, true, false, true]);
  });

  it('takes an empty batch', () => {
    expect(run('softmax', [operand([0, 3], [])], { axis: 1 }, [0, 3])).toHaveLength(0);
    expect(run('logSoftmax', [operand([0, 3], [])], { axis: 1 }, [0, 3])).toHaveLength(0);
  });

  it.each(FLOATING)('and its logarithm follow the definition for random shapes in %s', (dtype) => {
    fc.assert(
      fc.property(cases, ({ shape, axis, seed }) => {
        const x = randomOperand(shape, seed, dtype);
        expectClose(run('softmax', [x], { axis }, shape), naive.softmax(x, axis), dtype);
        expectClose(run('logSoftmax', [x], { axis }, shape), naive.logSoftmax(x, axis), dtype);
      }),
    );
  });
});
