/** Runs one reference kernel on host arrays, and compares with what the naive definitions give. */
import { expect } from 'vitest';
import type { KernelAttributes, KernelName } from '../../../src/kernels/contract.js';
import { allocateArray, type DType, type TypedArray } from '../../../src/kernels/dtype.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { referenceKernel } from '../../../src/kernels/reference/kernels.js';
import { createRandom, filled, sizeOf } from '../conformance/kernelCase.js';

type Shape = readonly number[];

export type Floating = 'float32' | 'float64';
export const FLOATING: readonly Floating[] = ['float32', 'float64'];

/** All outputs of a kernel; `outputs` gives their shapes, with the dtype of the first input unless told otherwise. */
export function runAll<K extends KernelName>(
  kernel: K,
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  outputs: readonly (Shape | { shape: Shape; dtype: DType })[],
): TypedArray[] {
  const results = outputs.map((output) => {
    const { shape, dtype } = 'dtype' in output ? output : { shape: output, dtype: inputs[0].dtype };
    return { shape, dtype, values: allocateArray(dtype, sizeOf(shape)) };
  });
  referenceKernel(kernel)(inputs, attributes, results);
  return results.map(({ values }) => values);
}

/** The only output of a kernel. */
export const run = <K extends KernelName>(
  kernel: K,
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  shape: Shape,
): TypedArray => runAll(kernel, inputs, attributes, [shape])[0];

/** An operand of reproducible numbers in [-1, 1). */
export function randomOperand(shape: Shape, seed: number, dtype: Floating = 'float64'): HostOperand {
  const random = createRandom(seed);
  return filled(shape, () => 2 * random() - 1, dtype);
}

/** Asserts agreement to the precision of the dtype, relative to the size of the terms that were added. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, dtype: Floating = 'float64'): void {
  expect(actual.length).toBe(expected.length);
  const tolerance = dtype === 'float32' ? 2e-5 : 1e-11;
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance * (1 + Math.abs(expected[i]));
    const near = Object.is(actual[i], expected[i]) || Math.abs(actual[i] - expected[i]) <= allowed;
    if (!near) {
      expect.fail(`element ${i} is ${actual[i]} instead of ${expected[i]}`);
    }
  }
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

/** Gradient of the scalar `f` by central differences. */
export function numericGradient(f: (values: Float64Array) => number, at: ArrayLike<number>): Float64Array {
  const step = 1e-5;
  return Float64Array.from(at, (value, i) => {
    const values = Float64Array.from(at);
    values[i] = value + step;
    const above = f(values);
    values[i] = value - step;
    return (above - f(values)) / (2 * step);
  });
}
