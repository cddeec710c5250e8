import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multiplyAdd } from '../../../src/kernels/reference/gemm.js';
import { matMul } from '../naive.js';
import { expectClose, randomOperand } from './run.js';

const product = (rows: number, columns: number, depth: number) => {
  const a = randomOperand([rows, depth], 1);
  const b = randomOperand([depth, columns], 2);
  const c = new Float64Array(rows * columns);
  multiplyAdd(
    rows,
    columns,
    depth,
    { values: a.values, offset: 0, rowStride: depth, columnStride: 1 },
    { values: b.values, offset: 0, rowStride: columns, columnStride: 1 },
    { values: c, offset: 0, rowStride: columns, columnStride: 1 },
  );
  return { a, b, c, expected: matMul(a, b, { transposeA: false, transposeB: false }, [rows, columns]) };
};

describe('multiplyAdd', () => {
  // Around the sizes of the register tile and of the cache blocks, where a remainder would go wrong.
  it.each([
    [1, 1, 1],
    [2, 4, 3],
    [3, 5, 7],
    [64, 256, 8],
    [65, 257, 9],
    [129, 3, 2],
    [2, 513, 5],
    [3, 5, 511],
    [3, 5, 512],
    [3, 5, 513],
    [67, 259, 515],
  ])('multiplies [%i, K] by [K, %i] with K = %i', (rows, columns, depth) => {
    const { c, expected } = product(rows, columns, depth);
    expectClose(c, expected);
  });

  it('multiplies matrices of any size', () => {
    const extent = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(extent, extent, extent, (rows, columns, depth) => {
        const { c, expected } = product(rows, columns, depth);
        expectClose(c, expected);
      }),
    );
  });

  it('adds to what is there and touches nothing outside the view', () => {
    const a = Float32Array.of(1, 2, 3, 4);
    const c = new Float32Array(12).fill(100);
    // [[1, 2], [3, 4]] times its own transpose, written to every other element of rows 1 and 2.
    multiplyAdd(
      2,
      2,
      2,
      { values: a, offset: 0, rowStride: 2, columnStride: 1 },
      { values: a, offset: 0, rowStride: 1, columnStride: 2 },
      { values: c, offset: 4, rowStride: 4, columnStride: 2 },
    );
    expect([...c]).toEqual([100, 100, 100, 100, 105, 100, 111, 100, 111, 100, 125, 100]);
  });

  it('leaves the result alone where an extent is zero', () => {
    const view = (values: Float64Array) => ({ values, offset: 0, rowStride: 1, columnStride: 1 });
    for (const [rows, columns, depth] of [
      [0, 2, 2],
      [2, 0, 2],
      [1, 1, 0],
    ]) {
      const c = Float64Array.of(7);
      multiplyAdd(rows, columns, depth, view(new Float64Array(4)), view(new Float64Array(4)), view(c));
      expect(c[0]).toBe(7);
    }
  });
});
