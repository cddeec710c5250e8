/**
 * The WebAssembly backend: SIMD kernels that are generated for the shapes they are called with, over one heap.
 * Kernels that it does not have, and dtypes other than float32, run as the reference kernels on the same memory.
 */
import { BackendError } from '../../errors.js';
import type { Backend, KernelAttributes, KernelName, Operand, Storage, TensorType } from '../contract.js';
import { allocateArray, arrayConstructor, bytesPerElement, type DType, type TypedArray } from '../dtype.js';
import type { HostOperand, ReferenceKernel } from '../reference/kernel.js';
import { REFERENCE_KERNELS } from '../reference/kernels.js';
import { Compiler } from './compiler.js';
import { type Block, Heap, type HeapOptions } from './heap.js';
import { sizeOf, type WasmKernel } from './kernel.js';
import { WASM_KERNELS } from './kernels/index.js';
import { simdSupported } from './support.js';

/** Values in the heap, or, when it is full, in an array of their own. */
class WasmStorage implements Storage {
  readonly dtype: DType;
  readonly length: number;
  readonly block: Block | null;
  readonly #heap: Heap;
  readonly #own: TypedArray | null;

  constructor(heap: Heap, dtype: DType, length: number, block: Block | null) {
    this.dtype = dtype;
    this.length = length;
    this.block = block;
    this.#heap = heap;
    this.#own = block ? null : allocateArray(dtype, length);
  }

  /** The values. Views are made afresh, since growing the memory makes older ones useless. */
  get values(): TypedArray {
    if (this.#own) return this.#own;
    const ArrayClass = arrayConstructor(this.dtype) as unknown as new (
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
    ) => TypedArray;
    return new ArrayClass(this.#heap.memory.buffer, (this.block as Block).address, this.length);
  }
}

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

export class WasmBackend implements Backend {
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
    const call = (WASM_KERNELS[kernel] as WasmKernel<K> | undefined)?.(inputs, attributes, outputs) ?? null;
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
      const host = (types: readonly TensorType[], storages: readonly WasmStorage[]): HostOperand[] =>
        types.map(({ shape, dtype }, index) => ({ shape, dtype, values: storages[index].values }));
      for (const { values } of results) values.fill(0);
      (REFERENCE_KERNELS[kernel] as ReferenceKernel<K>)(host(inputs, operands), attributes, host(outputs, results));
    }
    if (scratch) this.#heap.release(scratch);
    return results;
  }

  #allocate(dtype: DType, length: number): WasmStorage {
    const block = this.#heap.allocate(length * bytesPerElement(dtype));
    const storage = new WasmStorage(this.#heap, dtype, length, block);
    if (block) this.#collected.register(storage, block);
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

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
