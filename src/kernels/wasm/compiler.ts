/** Kernels from code to callable functions, compiled once for each key. */
import { BackendError } from '../../errors.js';
import { ModuleBuilder } from './assembler/module.js';
import type { Heap } from './heap.js';
import type { WasmCall } from './kernel.js';

export type KernelFunction = (...values: number[]) => void;

/** Most kernels that are kept; the longest unused goes first. A training step of a large network has a few hundred. */
const CAPACITY = 4096;

export class Compiler {
  readonly #heap: Heap;
  readonly #compiled = new Map<string, readonly KernelFunction[]>();

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  get size(): number {
    return this.#compiled.size;
  }

  /** The functions of a call's phases, in order. */
  functions(call: WasmCall): readonly KernelFunction[] {
    const known = this.#compiled.get(call.key);
    if (known) {
      this.#compiled.delete(call.key);
      this.#compiled.set(call.key, known);
      return known;
    }
    const functions = this.#compile(call);
    this.#compiled.set(call.key, functions);
    if (this.#compiled.size > CAPACITY) {
      const [oldest] = this.#compiled.keys();
      this.#compiled.delete(oldest);
    }
    return functions;
  }

  #compile(call: WasmCall): KernelFunction[] {
    const builder = new ModuleBuilder({
      initialPages: 1,
      maximumPages: this.#heap.maximumPages,
      shared: this.#heap.shared,
    });
    call.build(builder);
    try {
      const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.encode()), {
        env: { memory: this.#heap.memory },
      });
      return call.phases.map(({ name }) => instance.exports[name] as KernelFunction);
    } catch (error) {
      throw new BackendError(
        'KERNEL_INVALID',
        `The WebAssembly kernel '${call.key}' could not be compiled: ${(error as Error).message}`,
        { key: call.key },
        error,
      );
    }
  }
}
