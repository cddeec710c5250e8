/** What a reference kernel is: a function from host arrays to host arrays. */
import type { KernelAttributes, KernelName, TensorType } from '../contract.js';
import type { TypedArray } from '../dtype.js';

/** A kernel input as the reference kernels see it. */
export interface HostOperand extends TensorType {
  readonly values: TypedArray;
}

/** A reference kernel fills the zero-initialised `outputs` from `inputs`. */
export type ReferenceKernel<K extends KernelName> = (
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  outputs: readonly HostOperand[],
) => void;

export type ReferenceKernels = { readonly [K in KernelName]: ReferenceKernel<K> };
