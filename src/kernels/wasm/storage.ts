/** Values of the WebAssembly backend: a block of the heap, or, when the heap is full, an array of their own. */
import { BackendError } from '../../errors.js';
import type { Storage } from '../contract.js';
import { allocateArray, arrayConstructor, bytesPerElement, type DType, type TypedArray } from '../dtype.js';
import type { Block, Heap } from './heap.js';

/** The values at an address, as an array of the dtype. Made afresh each time, since growing the memory makes views useless. */
export function viewAt(memory: WebAssembly.Memory, dtype: DType, address: number, length: number): TypedArray {
  const ArrayClass = arrayConstructor(dtype) as unknown as new (
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
  ) => TypedArray;
  return new ArrayClass(memory.buffer, address, length);
}

export class WasmStorage implements Storage {
  readonly dtype: DType;
  readonly length: number;
  readonly #heap: Heap;
  #block: Block | null;
  #own: TypedArray | null;

  /** @throws BackendError `HEAP_FULL` if there is no block and the engine has no room for an array either */
  constructor(heap: Heap, dtype: DType, length: number, block: Block | null) {
    this.dtype = dtype;
    this.length = length;
    this.#heap = heap;
    this.#block = block;
    this.#own = block ? null : ownArray(heap, dtype, length);
  }

  /** Whether the storage belongs to the backend of this heap. */
  isIn(heap: Heap): boolean {
    return this.#heap === heap;
  }

  /** Where the values are in the heap; null if they are in an array of their own. */
  get block(): Block | null {
    if (!this.#block && !this.#own) {
      throw new BackendError(
        'STORAGE_RELEASED',
        `Values of ${this.length} ${this.dtype} elements were used after they were released.`,
      );
    }
    return this.#block;
  }

  /** The values. The array is of no use once the heap has grown. */
  get values(): TypedArray {
    const { block } = this;
    return block ? viewAt(this.#heap.memory, this.dtype, block.address, this.length) : (this.#own as TypedArray);
  }

  /** Ends the use of the values. */
  release(): void {
    this.#block = null;
    this.#own = null;
  }
}

function ownArray(heap: Heap, dtype: DType, length: number): TypedArray {
  try {
    return allocateArray(dtype, length);
  } catch (error) {
    if (error instanceof RangeError) throw heap.full(length * bytesPerElement(dtype));
    throw error;
  }
}
