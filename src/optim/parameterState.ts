/** What an optimizer remembers about one parameter: how often it was updated, and running averages of its shape. */
import type { Storage } from '../kernels/contract.js';
import { zeros } from '../tensor/create.js';
import { Tensor } from '../tensor/tensor.js';

export class ParameterState {
  /** Number of updates so far. */
  step = 0;
  /** Running averages by name, such as `momentumBuffer`; each has the parameter's shape, dtype and backend. */
  readonly buffers = new Map<string, Tensor>();
  readonly #parameter: Tensor;

  constructor(parameter: Tensor) {
    this.#parameter = parameter;
  }

  /** A buffer; zeros if it does not exist yet. */
  bufferOrZeros(name: string): Tensor {
    const { shape, dtype, backend } = this.#parameter;
    return this.buffers.get(name) ?? zeros(shape, { dtype, backend });
  }

  /** Gives a buffer new values. */
  set(name: string, storage: Storage): void {
    const existing = this.buffers.get(name);
    const { shape, dtype, backend } = this.#parameter;
    if (existing) existing.replaceStorage(storage);
    else this.buffers.set(name, new Tensor(storage, shape, dtype, backend));
  }
}
