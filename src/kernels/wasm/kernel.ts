/**
 * What a WebAssembly kernel is: given shapes and attributes, code for exactly those. Work is split into units by
 * shape, never by the number of threads, so that any number of threads gives the same bits.
 */
import type { KernelAttributes, KernelName, TensorType } from '../contract.js';
import type { CodeOptions, ModuleBuilder } from './assembler/module.js';

export { PORTABLE } from './assembler/module.js';

export type KernelFunction = (...values: number[]) => void;

/** One pass of a kernel; the next begins when all its units are done. */
export interface Phase {
  /** Name of the function, exported by the module. */
  readonly name: string;
  /** Number of independent units of work. */
  readonly units: number;
  /**
   * How much work all units are, in elements or multiply-adds: whether threads are worth it. Default: the elements of
   * all operands, right for a pass over them; far too little for a matrix product.
   */
  readonly cost?: number;
}

/** What kernels may use besides plain SIMD. */
export type KernelOptions = CodeOptions;

/**
 * A kernel for certain shapes. Its functions take the addresses of inputs, outputs and (if there is any) scratch
 * memory, then `scalars`, then the first unit and the end of the units to do.
 */
export interface WasmCall {
  /** Calls with the same key have the same code. */
  readonly key: string;
  readonly phases: readonly Phase[];
  /** Numbers that change from call to call, such as a learning rate; f32 parameters. */
  readonly scalars?: readonly number[];
  readonly scratchBytes?: number;
  /** Defines the functions of `phases`. */
  build(module: ModuleBuilder, options: KernelOptions): void;
}

/** Null where the kernel does not cover the case; the reference kernel then does the work. */
export type WasmKernel<K extends KernelName> = (
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
) => WasmCall | null;

export type WasmKernels = { readonly [K in KernelName]?: WasmKernel<K> };

/** Parameters of a kernel function: addresses by name, then the units. Functions with scalars list those themselves. */
export function kernelParameters<N extends string>(addresses: readonly N[]): Record<N | 'begin' | 'end', 'i32'> {
  return Object.fromEntries([...addresses, 'begin', 'end'].map((name) => [name, 'i32'])) as Record<
    N | 'begin' | 'end',
    'i32'
  >;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
