/**
 * The one memory that all WebAssembly kernels work on, and who has which part of it. Small blocks come in size
 * classes, four to an octave, so that one that comes back serves the next tensor of about its size; large ones are cut
 * from the smallest free stretch and join their neighbours when they come back. The memory never shrinks; at its
 * limit `allocate` gives null and the caller keeps its values elsewhere.
 */
import { BackendError, ValidationError } from '../../errors.js';
import { GapList } from './gapList.js';

const PAGE = 65536;
const MEGABYTE = 2 ** 20;
export const ALIGNMENT = 64;
/** Blocks up to this size come from size classes. */
const SMALL = 16384;
const SLAB = 2 ** 18;
/** Sizes of larger blocks are multiples of this. */
const GRAIN = 1024;
/** What 32-bit addresses reach. */
const ADDRESSABLE = 2 ** 32;
const FIRST_PAGES = 16;
/** The most that is tried to reserve first. */
const DEFAULT_LIMITS = [ADDRESSABLE, ADDRESSABLE / 2, ADDRESSABLE / 4];
/** What fills the guards around a block. */
const CANARY = 0xa5;

/** A part of the heap. */
export interface Block {
  readonly address: number;
  /** Bytes that can be used. */
  readonly bytes: number;
}

export interface HeapOptions {
  /**
   * Largest size in bytes, 64 KiB to 4 GiB. It is a range of addresses: memory is taken as it is needed. Default: 4 GiB, or
   * half of it or a quarter where the system refuses such a range.
   */
  readonly limit?: number;
  /** Whether threads can share the memory. Default: true. */
  readonly shared?: boolean;
  /** Surrounds every block with a pattern and checks it when the block comes back. For tests; slow. Default: false. */
  readonly guard?: boolean;
  /**
   * First address that is handed out; those before stay unused, and cost no memory until the system is asked for it. For
   * tests of high addresses. A multiple of 64. Default: 64.
   */
  readonly firstAddress?: number;
}

/** Room for `bytes`: small sizes up to 7 of 64 apart, then four to an octave; large ones to the next KiB. */
export function roomFor(bytes: number): number {
  const wanted = Math.max(bytes, ALIGNMENT);
  if (wanted > SMALL) return Math.ceil(wanted / GRAIN) * GRAIN;
  const step = Math.max(2 ** (Math.ceil(Math.log2(wanted)) - 3), ALIGNMENT);
  return Math.ceil(wanted / step) * step;
}

/**
 * The memory with the first limit that the system grants, and that limit in pages.
 * @throws RangeError if it grants none
 */
function reserve([limit, ...lower]: readonly number[], shared: boolean): [WebAssembly.Memory, number] {
  const maximum = Math.floor(limit / PAGE);
  try {
    return [new WebAssembly.Memory({ initial: Math.min(FIRST_PAGES, maximum), maximum, shared }), maximum];
  } catch (error) {
    if (lower.length === 0 || !(error instanceof RangeError)) throw error;
    return reserve(lower, shared);
  }
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly maximumPages: number;
  readonly #guard: number;
  readonly #small = new Map<number, number[]>();
  readonly #gaps = new GapList();
  /** Where new small blocks are cut from, so that they do not end up in the middle of large free stretches. */
  #slab: Block = { address: 0, bytes: 0 };
  /** Requested bytes of the blocks that are out, by address. */
  readonly #out = new Map<number, number>();
  /** First address never handed out. The first bytes stay unused, so that no block has address 0. */
  #top: number;
  #used = 0;

  /** @throws ValidationError for an impossible limit */
  constructor({ limit, shared = true, guard = false, firstAddress = ALIGNMENT }: HeapOptions = {}) {
    if (limit !== undefined && !(limit >= PAGE && limit <= ADDRESSABLE)) {
      throw new ValidationError(
        'INVALID_OPTION',
        `WebAssembly heap: limit is ${String(limit)} bytes; it must be from ${PAGE} (64 KiB) to ${ADDRESSABLE} (4 GiB).`,
        { limit },
      );
    }
    this.shared = shared;
    this.#guard = guard ? ALIGNMENT : 0;
    this.#top = Math.max(Math.ceil(firstAddress / ALIGNMENT), 1) * ALIGNMENT;
    [this.memory, this.maximumPages] = reserve(limit === undefined ? DEFAULT_LIMITS : [limit], shared);
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Bytes of the guards before and behind a block; 0 for none. */
  get guard(): number {
    return this.#guard;
  }

  /** Largest size in bytes. */
  get limit(): number {
    return this.maximumPages * PAGE;
  }

  /** A block of at least `bytes`, or null when the limit is reached. Its content is whatever it was. */
  allocate(bytes: number): Block | null {
    const room = roomFor(bytes + 2 * this.#guard);
    const start = this.#take(room);
    if (start === null) return null;
    this.#used += room;
    const address = start + this.#guard;
    this.#out.set(address, bytes);
    if (this.#guard > 0) {
      this.#bytes(start, this.#guard).fill(CANARY);
      this.#bytes(address + bytes, room - this.#guard - bytes).fill(CANARY);
    }
    return { address, bytes: this.#guard > 0 ? bytes : room };
  }

  /**
   * Takes a block back.
   * @throws BackendError `HEAP_BLOCK` if it is not out, and `HEAP_OVERRUN` if guards are on and it was written beyond its ends
   */
  release({ address }: Block): void {
    const bytes = this.#out.get(address);
    if (bytes === undefined) {
      throw new BackendError('HEAP_BLOCK', `The block at ${address} of the WebAssembly heap was given back twice.`, {
        address,
      });
    }
    this.#check(address, bytes);
    this.#out.delete(address);
    const room = roomFor(bytes + 2 * this.#guard);
    const start = address - this.#guard;
    this.#used -= room;
    if (room > SMALL) {
      this.#gaps.give(start, room);
      return;
    }
    const list = this.#small.get(room);
    if (list) list.push(start);
    else this.#small.set(room, [start]);
  }

  /** Checks the guards of all blocks that are out. @throws BackendError `HEAP_OVERRUN` */
  check(): void {
    for (const [address, bytes] of this.#out) this.#check(address, bytes);
  }

  /** The error for a request that did not fit. */
  full(bytes: number): BackendError {
    const megabytes = (value: number): string => `${(value / MEGABYTE).toFixed(1)} MiB`;
    return new BackendError(
      'HEAP_FULL',
      `The WebAssembly heap is full: ${megabytes(bytes)} were asked for, and ${megabytes(this.#used)} of ${megabytes(this.limit)} are in use. ` +
        `Use a smaller batch or smaller images${this.limit < ADDRESSABLE ? ', or create the backend with a larger limit (up to 4 GiB)' : ''}.`,
      { bytes, used: this.#used, limit: this.limit },
    );
  }

  #bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  #check(address: number, bytes: number): void {
    if (this.#guard === 0) return;
    const start = address - this.#guard;
    const room = roomFor(bytes + 2 * this.#guard);
    const whole = [this.#bytes(start, this.#guard), this.#bytes(address + bytes, room - this.#guard - bytes)];
    whole.forEach((guard, side) => {
      const broken = guard.findIndex((value) => value !== CANARY);
      if (broken < 0) return;
      const offset = side === 0 ? broken - this.#guard : bytes + broken;
      throw new BackendError('HEAP_OVERRUN', `A kernel wrote at offset ${offset} of a block of ${bytes} bytes.`, {
        address,
        bytes,
        offset,
      });
    });
  }

  #take(room: number): number | null {
    if (room > SMALL) return this.#gaps.take(room) ?? this.#extend(room);
    return this.#small.get(room)?.pop() ?? this.#cut(room) ?? this.#gaps.take(room) ?? this.#extend(room);
  }

  /** Takes a small block from the present slab, or from a new one; null if there is no room for one. */
  #cut(room: number): number | null {
    if (room > this.#slab.bytes) {
      const address = this.#gaps.take(SLAB) ?? this.#extend(SLAB);
      if (address === null) return null;
      if (this.#slab.bytes > 0) this.#gaps.give(this.#slab.address, this.#slab.bytes);
      this.#slab = { address, bytes: SLAB };
    }
    const { address, bytes } = this.#slab;
    this.#slab = { address: address + room, bytes: bytes - room };
    return address;
  }

  /** Takes from the end, together with what is free before it. */
  #extend(room: number): number | null {
    const free = this.#gaps.takeBefore(this.#top);
    const start = this.#top - free;
    const end = start + room;
    if (!this.#grow(end)) {
      if (free > 0) this.#gaps.give(start, free);
      return null;
    }
    this.#top = end;
    return start;
  }

  /** Makes the memory reach an address. */
  #grow(end: number): boolean {
    const pages = this.memory.buffer.byteLength / PAGE;
    const needed = Math.ceil(end / PAGE);
    // The last page below 4 GiB stays unused: an end of a block at 2^32 would be address 0.
    if (needed > Math.min(this.maximumPages, ADDRESSABLE / PAGE - 1)) return false;
    if (needed <= pages) return true;
    // Growing has a price; the half more that is not needed now costs nothing until it is touched.
    const generous = Math.min(Math.max(needed, Math.ceil(pages * 1.5)), this.maximumPages);
    for (const target of [generous, needed]) {
      try {
        this.memory.grow(target - pages);
        return true;
      } catch {
        // The engine may have less to give than the limit says.
      }
    }
    return false;
  }
}
