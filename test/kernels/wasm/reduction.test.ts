import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { patternOf } from '../../../src/kernels/wasm/kernels/reduction.js';
import { createRandom, operand, type, uniform } from '../conformance/kernelCase.js';
import { exact, expectEach, expectReference, runBothOrders } from './compare.js';

/** Sums within 3e-7 of the sum of sizes; extremes exactly. */
function check(shape: readonly number[], axes: readonly number[], seed: number): void {
  const x = uniform(createRandom(seed), shape);
  const sizes = operand(shape, x.values.map(Math.abs));
  const outputs = [type(shape.filter((_, axis) => !axes.includes(axis)))];
  for (const name of ['sum', 'mean'] as const) {
    const attributes = { function: name, axes };
    const [actual] = runBothOrders({ kernel: 'reduce', inputs: [x], attributes, outputs });
    const [expected] = runReferenceKernel('reduce', [x], attributes, outputs);
    const [bounds] = runReferenceKernel('reduce', [sizes], attributes, outputs);
    actual.forEach((value, index) => {
      expectEach(
        [value],
        [expected[index]],
        () => 3e-7 * bounds[index] + 1e-45,
        0,
        `${name} of [${shape}] over ${axes}`,
      );
    });
  }
  for (const name of ['max', 'min'] as const) {
    expectReference({ kernel: 'reduce', inputs: [x], attributes: { function: name, axes }, outputs }, exact);
  }
}

describe('reduce in WebAssembly', () => {
  const examples = fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }),
    reduced: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    seed: fc.nat(),
  });

  it('agrees with the reference over every set of axes that it covers', () => {
    fc.assert(
      fc.property(examples, ({ shape, reduced, seed }) => {
        const axes = shape.map((_, axis) => axis).filter((axis) => reduced[axis]);
        fc.pre(patternOf(type(shape), axes) !== null);
        check(shape, axes, seed);
      }),
      { numRuns: 60 },
    );
  });

  it('folds the chunks of long rows, of many rows, and of tall columns', () => {
    check([20_001], [0], 1);
    check([3, 8193], [1], 2);
    check([70, 3, 301], [0, 2], 3);
    check([5, 2, 9001], [0, 2], 4);
    for (const columns of [1, 2, 3, 4, 7, 16, 21]) check([2, 131, columns], [1], columns);
    check([64, 33], [0], 5);
  });

  it('finds NaN wherever it is', () => {
    for (const at of [0, 3, 5, 16, 40]) {
      const x = uniform(createRandom(1), [41, 3]);
      x.values[at] = Number.NaN;
      for (const name of ['sum', 'max', 'min'] as const) {
        for (const axes of [[0], [1], [0, 1]]) {
          const kept = [41, 3].filter((_, axis) => !axes.includes(axis));
          const attributes = { function: name, axes };
          const allowed = name === 'sum' ? () => 1e-5 : exact;
          expectReference({ kernel: 'reduce', inputs: [x], attributes, outputs: [type(kept)] }, allowed);
        }
      }
    }
  });

  it('merges axes into [outer, rows, columns, length]', () => {
    const pattern = (shape: number[], axes: number[]) => Object.values(patternOf(type(shape), axes) ?? {});
    expect(pattern([4, 5], [1])).toEqual([4, 1, 1, 5]);
    expect(pattern([4, 5], [0])).toEqual([1, 4, 5, 1]);
    expect(pattern([4, 5], [0, 1])).toEqual([1, 1, 1, 20]);
    expect(pattern([4, 5], [])).toEqual([1, 1, 20, 1]);
    expect(pattern([2, 3, 4, 5], [0, 2, 3])).toEqual([1, 2, 3, 20]);
    expect(pattern([2, 3, 4, 5], [1, 3])).toEqual([2, 3, 4, 5]);
    expect(pattern([2, 3, 4, 5], [1])).toEqual([2, 3, 20, 1]);
    expect(pattern([2, 1, 4, 5], [1, 3])).toEqual([8, 1, 1, 5]);
    expect(patternOf(type([2, 3, 4, 5, 6]), [0, 2, 4])).toBeNull();
  });

  it('leaves products, empty tensors and other types to the reference', () => {
    const lower = (name: 'prod' | 'sum', shape: number[], dtype: 'float32' | 'int32') =>
      WASM_KERNELS.reduce?.([type(shape, dtype)], { function: name, axes: [0] }, [type([], dtype)]);
    expect(lower('prod', [3], 'float32')).toBeNull();
    expect(lower('sum', [0], 'float32')).toBeNull();
    expect(lower('sum', [3], 'int32')).toBeNull();
  });
});
