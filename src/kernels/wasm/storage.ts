/** Values of the WebAssembly backend: a block of the heap, or, when the heap is full, an array of their own. */
import type { Storage } from '../contract.js';
import { allocateArray, arrayConstructor, type DType, type TypedArray } from '../dtype.js';
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

  get values(): TypedArray {
    return this.#own ?? viewAt(this.#heap.memory, this.dtype, (this.block as Block).address, this.length);
  }
}
