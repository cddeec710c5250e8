/** Runs a reference kernel on host operands; the output has the first input's type unless told otherwise. */
import type { KernelAttributes, KernelName } from '../../../src/kernels/contract.js';
import type { DType } from '../../../src/kernels/dtype.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';

/** The only output as an operand, to pass on to another kernel. */
export function runKernel<K extends KernelName>(
  kernel: K,
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  shape: readonly number[],
  dtype: DType = inputs[0].dtype,
): HostOperand {
  const [values] = runReferenceKernel(kernel, inputs, attributes, [{ shape, dtype }]);
  return { shape, dtype, values };
}

/** Sum of products of two tensors of the same size. */
export function inner(a: HostOperand, b: HostOperand): number {
  if (a.values.length !== b.values.length) {
    throw new Error(`inner product of ${a.values.length} and ${b.values.length} elements`);
  }
  let sum = 0;
  a.values.forEach((value, index) => {
    sum += value * b.values[index];
  });
  return sum;
}
