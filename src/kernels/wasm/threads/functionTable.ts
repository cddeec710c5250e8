/** Kernel functions by numbers that mean the same in every thread, and the modules that workers need to have them. */
import { BackendError } from '../../../errors.js';
import type { KernelFunction } from '../kernel.js';

/** A compiled module as workers load it: its bytes, which the engine compiles once for the whole process. */
export interface LoadableModule {
  readonly bytes: Uint8Array;
  readonly names: readonly string[];
  /** Of the functions called `names`. */
  readonly numbers: readonly number[];
}

export interface ThreadedFunction {
  readonly number: number;
  readonly module: LoadableModule;
}

export class FunctionTable {
  readonly #entries = new WeakMap<KernelFunction, ThreadedFunction>();
  /** Numbers of functions that are gone; a new function with such a number takes the old one's place in the workers. */
  readonly #free: number[] = [];
  readonly #collected = new FinalizationRegistry<number>((number) => this.#free.push(number));
  #next = 0;

  register(names: readonly string[], functions: readonly KernelFunction[], bytes: Uint8Array): void {
    const numbers = functions.map(() => this.#free.pop() ?? this.#next++);
    const module = { bytes, names, numbers };
    functions.forEach((each, index) => {
      this.#entries.set(each, { number: numbers[index], module });
      this.#collected.register(each, numbers[index]);
    });
  }

  entry(kernelFunction: KernelFunction): ThreadedFunction {
    const entry = this.#entries.get(kernelFunction);
    if (!entry) throw new BackendError('KERNEL_UNKNOWN', 'A kernel function was not compiled by this backend.');
    return entry;
  }
}
