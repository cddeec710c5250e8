/**
 * A program: a recorded sequence of kernel calls on numbered buffers, in two parts, forward and backward. A backend that
 * can `compile` programs lays out their memory once, fuses what it can, and runs them without any work per call.
 *
 * Programs are recorded by running ordinary code on the `RecordingBackend`: calls never wait and storages are
 * opaque, so the operations' definitions and gradient rules record themselves.
 */
import { BackendError } from '../errors.js';
import type { Backend, KernelAttributes, KernelName, Operand, Storage, TensorType } from './contract.js';
import type { DType, TypedArray } from './dtype.js';

/** A value of a program. */
export interface ProgramBuffer extends Storage {
  readonly id: number;
  /** Where its values come from: given at each run, fixed, made by the host at each run, or computed by a step. */
  readonly origin: 'external' | 'constant' | 'generated' | 'computed';
  /** Of a constant. */
  readonly values?: TypedArray;
}

/** A buffer under a shape. */
export interface ProgramOperand extends TensorType {
  readonly buffer: ProgramBuffer;
}

export interface KernelStep<K extends KernelName = KernelName> {
  readonly kernel: K;
  readonly inputs: readonly ProgramOperand[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly ProgramOperand[];
}

/** A step that makes values on the host. */
export interface GenerateStep {
  readonly make: () => TypedArray;
  readonly output: ProgramBuffer;
}

export type ProgramStep = KernelStep | GenerateStep;

export const isKernelStep = (step: ProgramStep): step is KernelStep => 'kernel' in step;

export interface KernelProgram {
  readonly steps: readonly ProgramStep[];
  /** Number of steps of the forward part. */
  readonly forwardSteps: number;
  /** What each run is given: inputs and parameters for the forward part, gradients of the results for the backward part. */
  readonly inputs: readonly ProgramBuffer[];
  readonly gradients: readonly ProgramBuffer[];
  /** What the parts compute for others: results and new state, gradients. */
  readonly results: readonly ProgramBuffer[];
  readonly inputGradients: readonly ProgramBuffer[];
}

/** One run of a program, between its forward and its backward part. */
export interface ProgramRun {
  /** In the order of the program's `results`. The caller owns them. */
  readonly results: readonly Storage[];
  /**
   * Runs the backward part, once.
   * @returns In the order of `inputGradients`. They stay the program's own: the next backward part writes them again,
   *   except those for which `keep` says that they are still used.
   */
  backward(gradients: readonly Storage[], keep: (storage: Storage) => boolean): readonly Storage[];
  /** Gives up the backward part. */
  dispose(): void;
}

export interface CompiledProgram {
  /** Runs the forward part on storages of the backend, in the order of the program's `inputs`. */
  forward(inputs: readonly Storage[]): ProgramRun;
}

/** A backend that can prepare a program to run many times. On others, models run call by call. */
export interface ProgramBackend extends Backend {
  compile(program: KernelProgram): CompiledProgram;
}

export const compilesPrograms = (backend: Backend): backend is ProgramBackend => 'compile' in backend;

/** Records kernel calls instead of running them. */
export class RecordingBackend implements Backend {
  readonly name: string;
  readonly synchronous = false;
  readonly steps: ProgramStep[] = [];
  readonly #target: Backend;
  #buffers = 0;

  /** @param target The backend that the program is for. */
  constructor(target: Backend) {
    this.#target = target;
    this.name = `recording for ${target.name}`;
  }

  supportsDType(dtype: DType): boolean {
    return this.#target.supportsDType(dtype);
  }

  #buffer(origin: ProgramBuffer['origin'], dtype: DType, length: number, values?: TypedArray): ProgramBuffer {
    return { id: this.#buffers++, origin, dtype, length, values };
  }

  /** A buffer that each run is given. */
  external(dtype: DType, length: number): ProgramBuffer {
    return this.#buffer('external', dtype, length);
  }

  upload(values: TypedArray, dtype: DType): ProgramBuffer {
    return this.#buffer('constant', dtype, values.length, values);
  }

  generate(make: () => TypedArray, length: number, dtype: DType): ProgramBuffer {
    const output = this.#buffer('generated', dtype, length);
    this.steps.push({ make, output });
    return output;
  }

  async read(_storage: Storage): Promise<TypedArray> {
    throw unreadable();
  }

  readSync(_storage: Storage): TypedArray {
    throw unreadable();
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): ProgramBuffer[] {
    const operands = inputs.map(
      ({ storage, shape, dtype }): ProgramOperand => ({ buffer: storage as ProgramBuffer, shape, dtype }),
    );
    const results = outputs.map(({ shape, dtype }): ProgramOperand => {
      const length = shape.reduce((product, extent) => product * extent, 1);
      return { buffer: this.#buffer('computed', dtype, length), shape, dtype };
    });
    this.steps.push({ kernel, inputs: operands, attributes, outputs: results } as KernelStep);
    return results.map(({ buffer }) => buffer);
  }
}

const unreadable = (): BackendError =>
  new BackendError(
    'RECORDING',
    'Values were read while a model was being planned; a plan has none. Keep reading out of forward().',
  );
