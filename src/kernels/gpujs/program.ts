/**
 * How a kernel of the contract is expressed for GPU.js: as steps, each one launch of a small
 * function that computes one element of a flat output. Everything that does not change between
 * steps of training (shapes, strides, flags) is written into the source as a literal, so the source
 * and the output's length identify a compiled kernel; what changes (a learning rate) is an argument.
 *
 * Sources are text, because GPU.js parses functions and text alone survives minifiers, coverage
 * counters and Content-Security-Policies.
 *
 * Several outputs, one launch. Steps that do not read each other run in ONE launch, whoever wrote them (compile/packing.ts
 * joins their sources into one, which computes their elements one after another into one flat array). So a writer writes a
 * step for each output, and computes twice what is cheap rather than let one step read another. Where outputs share
 * expensive work, one source may compute them itself into one array: `outputs` then says `{ step, offset }` for each. Every
 * output becomes a view of such an array. No source ever sees an offset: an input `x` is read as `x[position]` from its own
 * first element, and the device adds the offset of the view.
 *
 * Rules for sources:
 * - inputs are read as `name[position]` and in no other way; each `const` or `let` declares one name;
 * - `return expression;` comes once, as the last statement; with other returns a step is launched on its own;
 * - where an element depends on the same element of an input, it is read as `name[this.thread.x]`: the step can then be
 *   joined with the one that computes that input, and what is in between never exists in memory.
 */
import type { KernelAttributes, KernelName, TensorType } from '../contract.js';

/** An argument of a step: an input of the kernel, the array of an earlier step (from an offset, default 0), or a number. */
export type StepArgument = { readonly input: number } | { readonly step: number; readonly offset?: number } | number;

export interface Step {
  /** A GPU.js function whose parameters match `arguments`. */
  readonly source: string;
  /** Number of elements it computes. */
  readonly length: number;
  readonly arguments: readonly StepArgument[];
}

/** Where an output of a kernel is: the array of a step (a number alone: from its first element), and where in it. */
export type OutputPlace = number | { readonly step: number; readonly offset: number };

export interface Program {
  readonly steps: readonly Step[];
  /** Where the kernel's outputs are, in order. Their lengths are those of their types. */
  readonly outputs: readonly OutputPlace[];
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

/** A program of a step for each output; none reads another, so all are one launch. */
export const independentSteps = (steps: readonly Step[]): Program => ({
  steps,
  outputs: steps.map((_, index) => index),
});

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** An output's step, and the offset in its array. */
export const placeOf = (place: OutputPlace): { readonly step: number; readonly offset: number } =>
  typeof place === 'number' ? { step: place, offset: 0 } : place;
