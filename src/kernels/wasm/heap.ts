/**
 * The one memory that all WebAssembly kernels work on, and who has which part of it. Blocks come in size
 * classes, four to an octave, so that a block that comes back serves the next tensor of about its size.
 * The memory never shrinks; beyond its limit `allocate` gives null and the caller keeps its values elsewhere.
 */
const PAGE = 65536;
const ALIGNMENT = 64;

/** A part of the heap. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

export interface HeapOptions {
  /** Largest size in bytes. Default: 2 GiB. */
  readonly limit?: number;
  /** Whether threads can share the memory. Default: true. */
  readonly shared?: boolean;
}

/** Room for `bytes`: the next of 64, 80, 96, 112, 128, 160, ... */
export function sizeClass(bytes: number): number {
  const wanted = Math.max(bytes, ALIGNMENT);
  const step = Math.max(2 ** (Math.ceil(Math.log2(wanted)) - 3), ALIGNMENT);
  return Math.ceil(wanted / step) * step;
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly maximumPages: number;
  readonly #free = new Map<number, number[]>();
  /** First address never handed out. The first bytes stay unused, so that no block has address 0. */
  #top = ALIGNMENT;
  #used = 0;

  constructor({ limit = 2 ** 31, shared = true }: HeapOptions = {}) {
    this.maximumPages = Math.floor(limit / PAGE);
    this.shared = shared;
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: this.maximumPages, shared });
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** A block of at least `bytes`, or null when the limit is reached. Its content is whatever it was. */
  allocate(bytes: number): Block | null {
    const size = sizeClass(bytes);
    const address = this.#free.get(size)?.pop() ?? this.#extend(size);
    if (address === null) return null;
    this.#used += size;
    return { address, bytes: size };
  }

  /** Takes a block back. */
  release({ address, bytes }: Block): void {
    this.#used -= bytes;
    const list = this.#free.get(bytes);
    if (list) list.push(address);
    else this.#free.set(bytes, [address]);
  }

  #extend(size: number): number | null {
    const end = this.#top + size;
    const have = this.memory.buffer.byteLength;
    if (end > have) {
      const wanted = Math.min(
        Math.max(Math.ceil((end - have) / PAGE), have / PAGE / 2),
        this.maximumPages - have / PAGE,
      );
      if (have + Math.floor(wanted) * PAGE < end) return null;
      try {
        this.memory.grow(Math.floor(wanted));
      } catch {
        return null;
      }
    }
    const address = this.#top;
    this.#top = end;
    return address;
  }
}
