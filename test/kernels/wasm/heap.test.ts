/** The heap gives memory to one owner at a time, takes it back once, and says clearly when there is no more. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BackendError, QuantGradError, ValidationError } from '../../../src/errors.js';
import { GapList } from '../../../src/kernels/wasm/gapList.js';
import { ALIGNMENT, type Block, Heap, roomFor } from '../../../src/kernels/wasm/heap.js';
import { WasmStorage } from '../../../src/kernels/wasm/storage.js';

const KIB = 1024;
const MIB = 1024 * KIB;

function errorOf(body: () => unknown): QuantGradError {
  try {
    body();
  } catch (error) {
    if (error instanceof QuantGradError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const overlap = (a: Block, b: Block): boolean => a.address < b.address + b.bytes && b.address < a.address + a.bytes;

describe('Heap', () => {
  it('never has two owners for a byte, and takes everything back', () => {
    const bytes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 700 * KIB }));
    const action = fc.oneof(
      fc.record({ take: bytes, give: fc.constant(-1) }),
      fc.record({ take: fc.constant(-1), give: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), fc.boolean(), (actions, guard) => {
        const heap = new Heap({ limit: 8 * MIB, shared: false, guard });
        const out: Block[] = [];
        for (const { take, give } of actions) {
          if (take >= 0) {
            const block = heap.allocate(take);
            if (!block) continue;
            expect(block.bytes).toBeGreaterThanOrEqual(take);
            expect(block.address % ALIGNMENT).toBe(0);
            expect(block.address).toBeGreaterThan(0);
            expect(block.address + block.bytes).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
            expect(out.some((other) => overlap(block, other))).toBe(false);
            out.push(block);
          } else if (out.length > 0) heap.release(out.splice(give % out.length, 1)[0]);
        }
        heap.check();
        for (const block of out) heap.release(block);
        expect(heap.used).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('joins what comes back: the whole serves one large block', () => {
    const heap = new Heap({ limit: 4 * MIB, shared: false });
    const blocks = Array.from({ length: 8 }, () => heap.allocate(400 * KIB) as Block);
    expect(heap.allocate(900 * KIB)).toBeNull();
    for (const index of [3, 1, 2, 0, 7, 5, 6, 4]) heap.release(blocks[index]);
    expect(heap.allocate(3.5 * MIB)).not.toBeNull();
  });

  it('keeps small blocks out of the middle of large stretches', () => {
    const heap = new Heap({ limit: 4 * MIB, shared: false });
    heap.allocate(10);
    const large = heap.allocate(2 * MIB) as Block;
    heap.release(large);
    for (let index = 0; index < 500; index++) heap.allocate(100);
    expect(heap.allocate(2 * MIB)?.address).toBe(large.address);
  });

  it('refuses a block twice', () => {
    const heap = new Heap({ limit: MIB });
    for (const bytes of [10, 200 * KIB]) {
      const block = heap.allocate(bytes) as Block;
      heap.release(block);
      expect(errorOf(() => heap.release(block))).toMatchObject({ code: 'HEAP_BLOCK' });
    }
    expect(heap.used).toBe(0);
  });

  it('gives null at its limit and goes on', () => {
    const heap = new Heap({ limit: MIB });
    expect(heap.allocate(2 * MIB)).toBeNull();
    const block = heap.allocate(900 * KIB) as Block;
    expect(heap.allocate(200 * KIB)).toBeNull();
    heap.release(block);
    expect(heap.allocate(200 * KIB)).not.toBeNull();
    expect(heap.full(3 * MIB).message).toMatch(/3\.0 MiB were asked for.*of 1\.0 MiB are in use.*smaller batch/);
  });

  it('refuses impossible limits, and works with the smallest', () => {
    for (const limit of [0, -1, 65535, 2 ** 32 + 1, Number.NaN])
      expect(errorOf(() => new Heap({ limit }))).toBeInstanceOf(ValidationError);
    const heap = new Heap({ limit: 65536 });
    expect(heap.allocate(1000)).not.toBeNull();
    expect(heap.allocate(65536)).toBeNull();
  });

  it('has half of the addresses, or a quarter, where the system refuses more', () => {
    const { Memory } = WebAssembly;
    const asked: number[] = [];
    const grudging = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        asked.push(Number(descriptor.maximum) * 64 * KIB);
        if (Number(descriptor.maximum) > 16384) throw new RangeError('could not allocate memory');
        super(descriptor);
      }
    };
    vi.stubGlobal('WebAssembly', { ...Object.getOwnPropertyDescriptors(WebAssembly), Memory: grudging });
    try {
      expect(new Heap().limit).toBe(2 ** 30);
      expect(asked).toEqual([2 ** 32, 2 ** 31, 2 ** 30]);
      expect(() => new Heap({ limit: 2 ** 31 })).toThrow(RangeError);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(new Heap().limit).toBe(2 ** 32);
  });

  it('reaches past 2 GiB, up to the last page below 4', () => {
    const heap = new Heap({ limit: 2 ** 32 });
    expect(heap.allocate(2.5 * 2 ** 30)).not.toBeNull();
    const second = heap.allocate(2 ** 20) as Block;
    expect(second.address).toBeGreaterThan(2 ** 31);
    const storage = new WasmStorage(heap, 'float32', 3, second);
    storage.values.set([1, 2, 3]);
    expect([...storage.values]).toEqual([1, 2, 3]);
    const rest = 2 ** 32 - second.address - second.bytes;
    expect(heap.allocate(rest)).toBeNull();
  });

  it('notices writes beyond a block when guards are on', () => {
    for (const [bytes, offset] of [
      [100, 100],
      [100, 127],
      [100, -1],
      [100_000, 100_000],
      [0, 0],
    ]) {
      const heap = new Heap({ limit: MIB, guard: true });
      const block = heap.allocate(bytes) as Block;
      new Uint8Array(heap.memory.buffer, block.address, bytes).fill(1);
      heap.check();
      new Uint8Array(heap.memory.buffer)[block.address + offset] = 1;
      expect(errorOf(() => heap.check())).toMatchObject({ code: 'HEAP_OVERRUN', details: { offset, bytes } });
      expect(errorOf(() => heap.release(block)).code).toBe('HEAP_OVERRUN');
    }
  });

  it('has rooms at most a quarter too large', () => {
    for (let bytes = 1; bytes < 3e6; bytes = Math.ceil(bytes * 1.07)) {
      const room = roomFor(bytes);
      expect(room % ALIGNMENT).toBe(0);
      expect(room).toBeGreaterThanOrEqual(bytes);
      expect(room).toBeLessThanOrEqual(bytes * 1.25 + ALIGNMENT);
    }
  });
});

describe('GapList', () => {
  it('takes the tightest gap and joins neighbours', () => {
    const gaps = new GapList();
    gaps.give(1000, 100);
    gaps.give(0, 50);
    gaps.give(500, 60);
    expect(gaps.take(55)).toBe(500);
    expect(gaps.take(200)).toBeNull();
    gaps.give(500, 55);
    gaps.give(560, 440);
    expect(gaps.take(600)).toBe(500);
    expect(gaps.takeBefore(50)).toBe(50);
    expect(gaps.takeBefore(50)).toBe(0);
  });
});

describe('WasmStorage', () => {
  it('has values of its own without a block, and none after its release', () => {
    const heap = new Heap({ limit: MIB });
    for (const block of [heap.allocate(12), null]) {
      const storage = new WasmStorage(heap, 'float32', 3, block);
      storage.values.set([4, 5, 6]);
      expect([...storage.values]).toEqual([4, 5, 6]);
      storage.release();
      expect(errorOf(() => storage.values)).toMatchObject({ code: 'STORAGE_RELEASED' });
    }
  });

  it('says how much was asked for when there is no room anywhere', () => {
    const heap = new Heap({ limit: MIB });
    const error = errorOf(() => new WasmStorage(heap, 'float32', 2 ** 50, null));
    expect(error).toBeInstanceOf(BackendError);
    expect(error.code).toBe('HEAP_FULL');
  });
});
