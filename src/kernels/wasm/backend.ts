/**
 * The WebAssembly backend: SIMD kernels that are generated for the shapes they are called with, over one heap.
 * Kernels that it does not have, and dtypes other than float32, run as the reference kernels on the same memory.
 */
import { BackendError } from '../../errors.js';
import type { KernelAttributes, KernelName, Operand, Storage, TensorType } from '../contract.js';
import { bytesPerElement, type DType, type TypedArray } from '../dtype.js';
import type { CompiledProgram, KernelProgram, KernelStep, ProgramBackend } from '../program.js';
import type { HostOperand, ReferenceKernel } from '../reference/kernel.js';
import { REFERENCE_KERNELS } from '../reference/kernels.js';
import { Compiler } from './compiler.js';
import { type Block, Heap, type HeapOptions } from './heap.js';
import { sizeOf, type WasmCall, type WasmKernel } from './kernel.js';
import { WASM_KERNELS } from './kernels/index.js';
import { WasmProgram } from './program/compiledProgram.js';
import { viewAt, WasmStorage } from './storage.js';
import { simdSupported } from './support.js';

export interface WasmInfo {
  /** Bytes of the heap in use. */
  readonly heapUsed: number;
  /** Bytes the heap has. */
  readonly heapSize: number;
  /** Number of compiled kernels. */
  readonly kernels: number;
  /** How often each kernel ran as WebAssembly, and as the reference kernel. */
  readonly launches: ReadonlyMap<string, number>;
  readonly fallbacks: ReadonlyMap<string, number>;
}

export class WasmBackend implements ProgramBackend {
  readonly name = 'wasm';
  readonly synchronous = true;
  readonly #heap: Heap;
  readonly #compiler: Compiler;
  readonly #launches = new Map<string, number>();
  readonly #fallbacks = new Map<string, number>();
  /** Gives blocks back when their storage is collected: a safety net for temporaries of eager code. */
  readonly #collected = new FinalizationRegistry<Block>((block) => this.#heap.release(block));

  private constructor(heap: Heap) {
    this.#heap = heap;
    this.#compiler = new Compiler(heap);
  }

  /** @throws BackendError if the engine has no WebAssembly SIMD. */
  static create(options: HeapOptions = {}): WasmBackend {
    if (!simdSupported()) {
      throw new BackendError(
        'WASM_SIMD_MISSING',
        "This JavaScript engine has no WebAssembly SIMD. Use the 'reference' backend, or a newer engine.",
      );
    }
    return new WasmBackend(new Heap(options));
  }

  info(): WasmInfo {
    return {
      heapUsed: this.#heap.used,
      heapSize: this.#heap.memory.buffer.byteLength,
      kernels: this.#compiler.size,
      launches: new Map(this.#launches),
      fallbacks: new Map(this.#fallbacks),
    };
  }

  supportsDType(_dtype: DType): boolean {
    return true;
  }

  upload(values: TypedArray, dtype: DType): Storage {
    const storage = this.#allocate(dtype, values.length);
    storage.values.set(values);
    return storage;
  }

  async read(storage: Storage): Promise<TypedArray> {
    return this.readSync(storage).slice();
  }

  readSync(storage: Storage): TypedArray {
    return this.#own(storage).values;
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
  ): Storage[] {
    const operands = inputs.map(({ storage }) => this.#own(storage));
    const results = outputs.map(({ dtype, shape }) => this.#allocate(dtype, sizeOf(shape)));
    const call = lower(kernel, inputs, attributes, outputs);
    const scratch = call?.scratchBytes ? this.#heap.allocate(call.scratchBytes) : null;
    const inHeap =
      [...operands, ...results].every(({ block }) => block !== null) && (!call?.scratchBytes || scratch !== null);
    if (call && inHeap) {
      count(this.#launches, kernel);
      const addresses = [...operands, ...results].map(({ block }) => (block as Block).address);
      if (scratch) addresses.push(scratch.address);
      const functions = this.#compiler.functions(call);
      call.phases.forEach(({ units }, index) => {
        if (units > 0) functions[index](...addresses, ...(call.scalars ?? []), 0, units);
      });
    } else {
      count(this.#fallbacks, kernel);
      for (const { values } of results) values.fill(0);
      runReference(
        kernel,
        inputs,
        operands.map(({ values }) => values),
        attributes,
        outputs,
        results.map(({ values }) => values),
      );
    }
    if (scratch) this.#heap.release(scratch);
    return results;
  }

  release(storage: Storage): void {
    const { block } = this.#own(storage);
    // The registration goes with the block, so that it is not given back twice.
    if (block && this.#collected.unregister(storage)) this.#heap.release(block);
  }

  compile(program: KernelProgram): CompiledProgram {
    return new WasmProgram(program, {
      lower: ({ kernel, inputs, attributes, outputs }) => lower(kernel, inputs, attributes, outputs),
      functions: (call) => this.#compiler.functions(call),
      fallback: ({ kernel, inputs, attributes, outputs }: KernelStep, given, results) => {
        count(this.#fallbacks, kernel);
        runReference(kernel, inputs, given, attributes, outputs, results);
      },
      allocate: ({ dtype, length }) => {
        const storage = this.#allocate(dtype, length);
        if (!storage.block) throw this.#full();
        return storage;
      },
      allocateBlock: (bytes) => {
        const block = this.#heap.allocate(bytes);
        if (!block) throw this.#full();
        return block;
      },
      releaseBlock: (block) => this.#heap.release(block),
      view: ({ dtype, length }, address) => viewAt(this.#heap.memory, dtype, address, length),
      address: (storage) => {
        const { block } = this.#own(storage);
        if (!block) throw this.#full();
        return block.address;
      },
    });
  }

  #full(): BackendError {
    const { used, maximumPages } = this.#heap;
    return new BackendError(
      'HEAP_FULL',
      `The WebAssembly heap is full: ${used} of ${maximumPages * 65536} bytes are in use. Use a smaller batch, or create the backend with a larger limit.`,
      { used },
    );
  }

  #allocate(dtype: DType, length: number): WasmStorage {
    const block = this.#heap.allocate(length * bytesPerElement(dtype));
    const storage = new WasmStorage(this.#heap, dtype, length, block);
    if (block) this.#collected.register(storage, block, storage);
    return storage;
  }

  #own(storage: Storage): WasmStorage {
    if (!(storage instanceof WasmStorage)) {
      throw new BackendError(
        'FOREIGN_STORAGE',
        'This tensor lives on another backend; move it with tensor.to(backend) first.',
      );
    }
    return storage;
  }
}

/** The WebAssembly form of a call, where there is one. */
function lower<K extends KernelName>(
  kernel: K,
  inputs: readonly TensorType[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
): WasmCall | null {
  return (WASM_KERNELS[kernel] as WasmKernel<K> | undefined)?.(inputs, attributes, outputs) ?? null;
}

function runReference<K extends KernelName>(
  kernel: K,
  inputs: readonly TensorType[],
  given: readonly TypedArray[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
  results: readonly TypedArray[],
): void {
  const host = (types: readonly TensorType[], values: readonly TypedArray[]): HostOperand[] =>
    types.map(({ shape, dtype }, index) => ({ shape, dtype, values: values[index] }));
  (REFERENCE_KERNELS[kernel] as ReferenceKernel<K>)(host(inputs, given), attributes, host(outputs, results));
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
