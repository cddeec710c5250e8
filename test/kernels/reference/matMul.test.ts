import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operand } from '../conformance/kernelCase.js';
import * as naive from '../naive.js';
import { expectClose, FLOATING, randomOperand, run } from './run.js';

const plain = { transposeA: false, transposeB: false };

describe('matMul', () => {
  it('multiplies by hand', () => {
    const a = operand([2, 3], [1, 2, 3, 4, 5, 6]);
    const b = operand([3, 2], [7, 8, 9, 10, 11, 12]);
    expect([...run('matMul', [a, b], plain, [2, 2])]).toEqual([58, 64, 139, 154]);
    expect([...run('matMul', [a, b], { transposeA: true, transposeB: true }, [3, 3])]).toEqual([
      39, 49, 59, 54, 68, 82, 69, 87, 105,
    ]);
  });

  it('multiplies whole numbers exactly', () => {
    const a = operand([1, 2], [2147483, 1000], 'int32');
    const b = operand([2, 1], [1000, -483], 'int32');
    expect([...run('matMul', [a, b], plain, [1, 1])]).toEqual([2147483 * 1000 - 483000]);
  });

  it('repeats batch axes of either side', () => {
    const a = operand([2, 1, 1, 1], [2, 3]);
    const b = operand([1, 3, 1, 2], [1, 2, 3, 4, 5, 6]);
    expect([...run('matMul', [a, b], plain, [2, 3, 1, 2])]).toEqual([2, 4, 6, 8, 10, 12, 3, 6, 9, 12, 15, 18]);
  });

  it('gives zeros for an empty sum and nothing for an empty batch', () => {
    expect([...run('matMul', [operand([2, 0], []), operand([0, 2], [])], plain, [2, 2])]).toEqual([0, 0, 0, 0]);
    expect(
      run('matMul', [operand([0, 2, 3], []), randomOperand([1, 3, 4], 1, 'float32')], plain, [0, 2, 4]),
    ).toHaveLength(0);
    expect(run('matMul', [operand([0, 2, 3], []), operand([0, 3, 4], [])], plain, [0, 2, 4])).toHaveLength(0);
  });

  it('keeps NaN and infinities in the rows and columns they belong to', () => {
    const a = operand([2, 1], [Number.NaN, 1]);
    const b = operand([1, 2], [1, Number.POSITIVE_INFINITY]);
    expect([...run('matMul', [a, b], plain, [2, 2])]).toEqual([Number.NaN, Number.NaN, 1, Number.POSITIVE_INFINITY]);
  });

  it.each(FLOATING)('follows the definition for random shapes in %s', (dtype) => {
    const extent = fc.integer({ min: 0, max: 6 });
    const batchAxis = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('both', 'a', 'b'));
    fc.assert(
      fc.property(
        fc.record({
          rows: extent,
          columns: extent,
          depth: extent,
          batch: fc.array(batchAxis, { maxLength: 3 }),
          transposeA: fc.boolean(),
          transposeB: fc.boolean(),
          seed: fc.nat(),
        }),
        ({ rows, columns, depth, batch, transposeA, transposeB, seed }) => {
          const batchOf = (side: 'a' | 'b') => batch.map(([size, who]) => (who === 'both' || who === side ? size : 1));
          const a = randomOperand([...batchOf('a'), ...(transposeA ? [depth, rows] : [rows, depth])], seed, dtype);
          const b = randomOperand(
            [...batchOf('b'), ...(transposeB ? [columns, depth] : [depth, columns])],
            seed + 1,
            dtype,
          );
          const shape = [...batch.map(([size]) => size), rows, columns];
          const attributes = { transposeA, transposeB };
          expectClose(run('matMul', [a, b], attributes, shape), naive.matMul(a, b, attributes, shape), dtype);
        },
      ),
    );
  });
});
