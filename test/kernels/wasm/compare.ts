/** Compares a WebAssembly kernel with the reference: guarded memory, units in two orders, and a tolerance an element. */
import { expect } from 'vitest';
import type { KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import type { TypedArray } from '../../../src/kernels/dtype.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import type { WasmKernel } from '../../../src/kernels/wasm/kernel.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { runGuarded } from './guarded.js';

export interface Case<K extends KernelName> {
  readonly kernel: K;
  readonly inputs: readonly HostOperand[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly TensorType[];
}

/** How far an element may be off, given what is expected; 0 means the same bits (all NaN are one). */
export type Allowed = (expected: number, output: number) => number;

export const exact: Allowed = () => 0;
export const within =
  (relative: number, absolute: number): Allowed =>
  (expected) =>
    absolute + relative * Math.abs(expected);

/** The kernel's results, which do not depend on the order of units or on what memory held. */
export function runBothOrders<K extends KernelName>({ kernel, inputs, attributes, outputs }: Case<K>): TypedArray[] {
  const call = (WASM_KERNELS[kernel] as WasmKernel<K> | undefined)?.(inputs, attributes, outputs) ?? null;
  if (call === null) throw new Error(`${kernel} is not covered for ${JSON.stringify({ inputs, attributes })}`);
  const results = runGuarded(call, inputs, outputs);
  runGuarded(call, inputs, outputs, { backwards: true }).forEach((result, output) => {
    expectEach(result, results[output], exact, output, `${kernel} with its units backwards`);
  });
  return results;
}

export function expectEach(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  allowed: Allowed,
  output: number,
  label: string,
): void {
  expect(actual.length, `${label}: length of output ${output}`).toBe(expected.length);
  for (let index = 0; index < expected.length; index++) {
    const [got, want] = [actual[index], expected[index]];
    const limit = allowed(want, output);
    const good = Object.is(got, want) || (limit > 0 && (got === want || Math.abs(got - want) <= limit));
    if (!good) expect.fail(`${label}: output ${output} [${index}] is ${got}, expected ${want} within ${limit}`);
  }
}

/** Checks a kernel against the reference. */
export function expectReference<K extends KernelName>(each: Case<K>, allowed: Allowed): TypedArray[] {
  const results = runBothOrders(each);
  const expected = runReferenceKernel(each.kernel, each.inputs, each.attributes, each.outputs);
  results.forEach((result, output) => {
    expectEach(result, expected[output], allowed, output, each.kernel);
  });
  return results;
}
