/**
 * A program: a recorded sequence of kernel calls on numbered buffers, in two parts, forward and backward. A backend that
 * can `compile` programs lays out their memory once and runs them with no work per call but the kernels.
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
  /** What the step was recorded for, such as the name of a layer; only people read it. */
  readonly label?: string;
}

/** A step that makes values on the host. */
export interface GenerateStep {
  readonly make: () => TypedArray;
  readonly output: ProgramBuffer;
  readonly label?: string;
}

/** A step that shows values to the host. */
export interface ReadStep {
  /** Is given the values, which are good for the time of the call. */
  readonly read: (values: TypedArray) => void;
  readonly input: ProgramBuffer;
  readonly label?: string;
}

export type ProgramStep = KernelStep | GenerateStep | ReadStep;

export const isKernelStep = (step: ProgramStep): step is KernelStep => 'kernel' in step;
export const isReadStep = (step: ProgramStep): step is ReadStep => 'read' in step;

export function inputsOf(step: ProgramStep): readonly ProgramBuffer[] {
  if (isKernelStep(step)) return step.inputs.map(({ buffer }) => buffer);
  return isReadStep(step) ? [step.input] : [];
}

export function outputsOf(step: ProgramStep): readonly ProgramBuffer[] {
  if (isKernelStep(step)) return step.outputs.map(({ buffer }) => buffer);
  return isReadStep(step) ? [] : [step.output];
}

/** A backward part: from gradients of the results to gradients of the inputs. */
export interface BackwardPart {
  readonly steps: readonly ProgramStep[];
  /** What each run of the part is given. */
  readonly gradients: readonly ProgramBuffer[];
  /** What the part computes for others. */
  readonly inputGradients: readonly ProgramBuffer[];
}

export interface KernelProgram {
  /** The forward part. */
  readonly steps: readonly ProgramStep[];
  /** What each run is given: inputs and parameters. */
  readonly inputs: readonly ProgramBuffer[];
  /** What the forward part computes for others: results and new state. */
  readonly results: readonly ProgramBuffer[];
  /** The backward part from all results that have a gradient. What it reads of the forward part is kept for it. */
  readonly backward: BackwardPart;
}

export interface BackwardOptions {
  /** Which part to run: the program's own by default, or one from fewer results, which reads no more than that one. */
  readonly part?: BackwardPart;
  /** Where the gradients go, in the order of `inputGradients`; null: into a new storage. */
  readonly targets?: readonly (Storage | null)[];
  /** Whether another backward part may follow. Default: false. */
  readonly retain?: boolean;
}

/** One run of a program, between its forward and its backward part. */
export interface ProgramRun {
  /** In the order of the program's `results`. The caller owns them. */
  readonly results: readonly Storage[];
  /**
   * Runs a backward part.
   * @returns In the order of `inputGradients`: the targets, each with its own values.
   * @throws BackendError `PROGRAM_FINISHED` after a backward part that did not retain; `HEAP_FULL`, which changes nothing
   */
  backward(gradients: readonly Storage[], options?: BackwardOptions): readonly Storage[];
  /** Gives up the backward part. */
  dispose(): void;
}

export interface CompiledProgram {
  /**
   * Runs the forward part on storages of the backend, in the order of the program's `inputs`.
   * @throws BackendError `HEAP_FULL`, before anything was computed
   */
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
  /** Label of the steps from now on. */
  label: string | undefined;
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
    this.steps.push({ make, output, label: this.label });
    return output;
  }

  /** Lets `read` see the values of a storage each time they were computed. */
  show(storage: Storage, read: ReadStep['read']): void {
    this.steps.push({ read, input: storage as ProgramBuffer, label: this.label });
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
    this.steps.push({ kernel, inputs: operands, attributes, outputs: results, label: this.label } as KernelStep);
    return results.map(({ buffer }) => buffer);
  }
}

const unreadable = (): BackendError =>
  new BackendError(
    'RECORDING',
    'Values were read while a model was being planned; a plan has none. Keep reading out of forward().',
  );
