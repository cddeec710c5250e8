import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { type KernelOptions, PORTABLE } from '../../../src/kernels/wasm/kernel.js';
import { createRandom, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './guarded.js';

const extent = fc.integer({ min: 1, max: 40 });

interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Batch axes of the left and of the right matrix. */
  readonly batches: readonly (readonly [left: number, right: number])[];
  readonly seed: number;
}

const broadcastPair = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('both', 'left', 'right'))
  .map(([size, who]): readonly [number, number] => [who === 'right' ? 1 : size, who === 'left' ? 1 : size]);

const products: fc.Arbitrary<Product> = fc.record({
  rows: extent,
  columns: extent,
  depth: extent,
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
  batches: fc.array(broadcastPair, { maxLength: 2 }),
  seed: fc.nat(),
});

const WIDE: KernelOptions = { ...PORTABLE, wide: true };

function check({ rows, columns, depth, transposeA, transposeB, batches, seed }: Product, options = PORTABLE): void {
  const random = createRandom(seed);
  const a = [...batches.map(([left]) => left), ...(transposeA ? [depth, rows] : [rows, depth])];
  const b = [...batches.map(([, right]) => right), ...(transposeB ? [columns, depth] : [depth, columns])];
  const c = [...batches.map((pair) => Math.max(...pair)), rows, columns];
  expectAsReference({
    kernel: 'matMul',
    inputs: [uniform(random, a), uniform(random, b)],
    attributes: { transposeA, transposeB },
    outputs: [type(c)],
    options,
  });
}

describe('matMul', () => {
  it('agrees with the reference for any shape', () => {
    fc.assert(
      fc.property(products, (product) => check(product)),
      { numRuns: 60 },
    );
  });

  it.each([
    [1, 1, 1],
    [1, 10, 700],
    [129, 9, 257],
    [4, 129, 256],
    [260, 264, 5],
    [128, 128, 512],
  ])('agrees with the reference for %i x %i and depth %i', (rows, columns, depth) => {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true])
        check({ rows, columns, depth, transposeA, transposeB, batches: [], seed: 1 });
    }
  });

  it('agrees with the reference on a wide tile', () => {
    fc.assert(
      fc.property(products, (product) => check(product, WIDE)),
      { numRuns: 20 },
    );
  });

  it('gives zeros for an empty sum and nothing for an empty output', () => {
    const attributes = { transposeA: false, transposeB: false };
    for (const [a, b, c] of [
      [
        [3, 0],
        [0, 5],
        [3, 5],
      ],
      [
        [0, 4],
        [4, 5],
        [0, 5],
      ],
      [
        [2, 0, 4],
        [2, 4, 5],
        [2, 0, 5],
      ],
    ]) {
      const random = createRandom(1);
      const inputs = [uniform(random, a), uniform(random, b)];
      expectAsReference({ kernel: 'matMul', inputs, attributes, outputs: [type(c)] });
    }
  });

  it('runs as WebAssembly', () => {
    const backend = WasmBackend.create();
    const operandOf = (shape: readonly number[]) => ({
      shape,
      dtype: 'float32' as const,
      storage: backend.upload(new Float32Array(shape[0] * shape[1]), 'float32'),
    });
    const attributes = { transposeA: false, transposeB: true };
    backend.run('matMul', [operandOf([3, 4]), operandOf([5, 4])], attributes, [type([3, 5])]);
    expect([...backend.info().launches]).toEqual([['matMul', 1]]);
    expect(backend.info().fallbacks.size).toBe(0);
  });
});
