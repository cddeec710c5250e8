/** Records programs on vectors by hand. */
import type { KernelAttributes } from '../../src/kernels/contract.js';
import {
  isKernelStep,
  type KernelProgram,
  type ProgramBuffer,
  type ProgramStep,
  RecordingBackend,
} from '../../src/kernels/program.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';

/** Records calls on vectors. */
export class Recorder {
  readonly backend = new RecordingBackend(new ReferenceBackend());

  input = (length = 4): ProgramBuffer => this.backend.external('float32', length);

  constant = (...values: number[]): ProgramBuffer => this.backend.upload(Float32Array.from(values), 'float32');

  clamp = (x: ProgramBuffer, attributes: KernelAttributes['clamp']): ProgramBuffer =>
    this.#run('clamp', [x], attributes);

  add = (a: ProgramBuffer, b: ProgramBuffer): ProgramBuffer => this.#run('binary', [a, b], { function: 'add' });

  exp = (x: ProgramBuffer): ProgramBuffer => this.#run('unary', [x], { function: 'exp' });

  multiply = (a: ProgramBuffer, b: ProgramBuffer): ProgramBuffer =>
    this.#run('binary', [a, b], { function: 'multiply' });

  /** A value that elementwise steps do not make. */
  softmax = (x: ProgramBuffer): ProgramBuffer => this.#run('softmax', [x], { axis: 0 });

  #run(
    kernel: 'clamp' | 'binary' | 'unary' | 'softmax',
    inputs: readonly ProgramBuffer[],
    attributes: object,
  ): ProgramBuffer {
    const type = (buffer: ProgramBuffer) => ({ shape: [buffer.length], dtype: buffer.dtype });
    const operands = inputs.map((storage) => ({ storage, ...type(storage) }));
    const longest = inputs.reduce((a, b) => (a.length >= b.length ? a : b));
    return this.backend.run(kernel, operands, attributes as never, [type(longest)])[0];
  }

  program(
    inputs: readonly ProgramBuffer[],
    results: readonly ProgramBuffer[],
    backward: (seed: ProgramBuffer) => readonly ProgramBuffer[] = () => [],
    length = 4,
  ): KernelProgram {
    const steps = [...this.backend.steps];
    const seed = this.input(length);
    const inputGradients = backward(seed);
    return {
      steps,
      inputs,
      results,
      backward: { steps: this.backend.steps.slice(steps.length), gradients: [seed], inputGradients },
    };
  }
}

/** What each step calls. */
export const kernelsOf = (steps: readonly ProgramStep[]): string[] =>
  steps.map((step) => (isKernelStep(step) ? step.kernel : 'generate'));
