/**
 * Update kernels of one step, which do not depend on each other, run several at a time where the backend can: a network
 * has hundreds of small parameters, and a call of its own for each costs more than its arithmetic.
 */
import type {
  Backend,
  KernelAttributes,
  KernelCall,
  Operand,
  Storage,
  TrainingKernelName,
} from '../kernels/contract.js';
import { bytesPerElement } from '../kernels/dtype.js';
import { addTrainingKernels } from '../kernels/trainingKernels.js';
import type { Tensor } from '../tensor/tensor.js';

/** Bytes of results from which calls no longer wait for others: until old values are let go of, they need memory twice. */
const MOST_BYTES = 2 ** 22;

/** Is given the results of a call. */
type Take = (results: readonly Storage[]) => void;

export class UpdateQueue {
  #backend: Backend | null = null;
  #calls: KernelCall[] = [];
  #takes: Take[] = [];
  #bytes = 0;

  /**
   * Runs a kernel, at `flush` at the latest, and gives its results to `take`.
   * @param outputs Number of results; all have the type of the first input.
   */
  add<K extends TrainingKernelName>(
    kernel: K,
    inputs: readonly Tensor[],
    attributes: KernelAttributes[K],
    outputs: number,
    take: Take,
  ): void {
    addTrainingKernels();
    const { shape, dtype, backend, size } = inputs[0];
    if (backend !== this.#backend) this.flush();
    this.#backend = backend;
    const operands = inputs.map(
      (input): Operand => ({ storage: input.storage, shape: input.shape, dtype: input.dtype }),
    );
    this.#calls.push({ kernel, inputs: operands, attributes, outputs: new Array(outputs).fill({ shape, dtype }) });
    this.#takes.push(take);
    this.#bytes += outputs * size * bytesPerElement(dtype);
    if (this.#bytes >= MOST_BYTES) this.flush();
  }

  /** Runs what waits. */
  flush(): void {
    const [backend, calls, takes] = [this.#backend, this.#calls, this.#takes];
    this.clear();
    if (!backend || calls.length === 0) return;
    if (backend.runTogether) {
      const results = backend.runTogether(calls);
      takes.forEach((take, index) => {
        take(results[index]);
      });
      return;
    }
    calls.forEach(({ kernel, inputs, attributes, outputs }, index) => {
      takes[index](backend.run(kernel, inputs, attributes, outputs));
    });
  }

  /** Forgets what waits. */
  clear(): void {
    this.#backend = null;
    this.#calls = [];
    this.#takes = [];
    this.#bytes = 0;
  }
}
