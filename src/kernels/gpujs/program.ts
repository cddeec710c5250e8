/**
 * How a kernel of the contract is expressed for GPU.js: as steps, each one launch of a small
 * function that computes one element of a flat output. Everything that does not change between
 * steps of training (shapes, strides, flags) is written into the source as a literal, so the source
 * and the output's length identify a compiled kernel; what changes (a learning rate) is an argument.
 *
 * Sources are text, because GPU.js parses functions and text alone survives minifiers, coverage
 * counters and Content-Security-Policies.
 */
import type { KernelAttributes, KernelName, TensorType } from '../contract.js';

/** An argument of a step: an input of the kernel, the output of an earlier step, or a number. */
export type StepArgument = { readonly input: number } | { readonly step: number } | number;

export interface Step {
  /** A GPU.js function whose parameters match `arguments`. */
  readonly source: string;
  /** Number of elements it computes. */
  readonly length: number;
  readonly arguments: readonly StepArgument[];
}

export interface Program {
  readonly steps: readonly Step[];
  /** The steps that compute the kernel's outputs, in order. */
  readonly outputs: readonly number[];
}

/** Writes the program of a kernel, or gives undefined if it has none for these types and attributes. */
export type ProgramWriter<K extends KernelName> = (
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
) => Program | undefined;

export const input = (index: number): StepArgument => ({ input: index });

/** A program of one step that reads all the inputs. */
export const singleStep = (source: string, inputs: readonly TensorType[], length: number): Program => ({
  steps: [{ source, length, arguments: inputs.map((_, index) => input(index)) }],
  outputs: [0],
});

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
