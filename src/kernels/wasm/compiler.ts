/** Kernels from code to callable functions, compiled once for each key. */
import { BackendError } from '../../errors.js';
import { ModuleBuilder } from './assembler/module.js';
import { compileWithFlags, OPTIMIZED } from './engineFlags.js';
import type { Heap } from './heap.js';
import type { KernelFunction, KernelOptions, WasmCall } from './kernel.js';
import type { FunctionTable } from './threads/functionTable.js';
import type { WideEngine } from './wideEngine.js';

export type { KernelFunction } from './kernel.js';

/** Most kernels that are kept; the longest unused goes first. A training step of a large network has a few hundred. */
const CAPACITY = 4096;

export class Compiler {
  readonly #heap: Heap;
  readonly #options: KernelOptions;
  readonly #table: FunctionTable;
  readonly #engine: WideEngine | null;
  readonly #compiled = new Map<string, readonly KernelFunction[]>();

  /**
   * @param table Where compiled functions are made known to other threads.
   * @param engine Compiles wide code; needed where `options.wide` is set, and not used otherwise.
   */
  constructor(heap: Heap, options: KernelOptions, table: FunctionTable, engine: WideEngine | null = null) {
    this.#heap = heap;
    this.#options = options;
    this.#table = table;
    this.#engine = options.wide ? engine : null;
  }

  get size(): number {
    return this.#compiled.size;
  }

  /**
   * The functions of the calls' phases, in order. Calls that are new are compiled together, as one module.
   *
   * @param optimized Where the engine can, the best code from the first run on, for calls that will be made again and
   *   again; it takes longer. Default: false.
   */
  functions(calls: readonly WasmCall[], optimized = false): readonly (readonly KernelFunction[])[] {
    const unknown = new Map(calls.flatMap((call) => (this.#compiled.has(call.key) ? [] : [[call.key, call]])));
    const made = this.#compile([...unknown.values()], optimized);
    const found = calls.map(({ key }) => (made.get(key) ?? this.#compiled.get(key)) as readonly KernelFunction[]);
    calls.forEach(({ key }, index) => {
      this.#compiled.delete(key);
      this.#compiled.set(key, found[index]);
    });
    for (const key of this.#compiled.keys()) {
      if (this.#compiled.size <= CAPACITY) break;
      this.#compiled.delete(key);
    }
    return found;
  }

  #compile(calls: readonly WasmCall[], optimized: boolean): Map<string, KernelFunction[]> {
    if (calls.length === 0) return new Map();
    const builder = new ModuleBuilder(
      { initialPages: 1, maximumPages: this.#heap.maximumPages, shared: this.#heap.shared },
      this.#options,
    );
    calls.forEach((call, index) => {
      builder.prefix = `${index}.`;
      call.build(builder, this.#options);
    });
    try {
      const bytes = builder.encode();
      const compiled = (): WebAssembly.Module => new WebAssembly.Module(bytes);
      const module = this.#engine
        ? this.#engine.compileWide(compiled)
        : optimized
          ? compileWithFlags(OPTIMIZED, compiled)
          : compiled();
      const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#heap.memory } });
      const names = calls.flatMap(({ phases }, index) => phases.map(({ name }) => `${index}.${name}`));
      this.#table.register(
        names,
        names.map((name) => exports[name] as KernelFunction),
        bytes,
      );
      return new Map(
        calls.map(({ key, phases }, index) => [
          key,
          phases.map(({ name }) => exports[`${index}.${name}`] as KernelFunction),
        ]),
      );
    } catch (error) {
      const keys = calls.map(({ key }) => key);
      throw new BackendError(
        'KERNEL_INVALID',
        `The WebAssembly ${keys.length === 1 ? `kernel '${keys[0]}'` : `module of ${keys.length} kernels`} could not be compiled: ${(error as Error).message}`,
        { keys },
        error,
      );
    }
  }
}
