/** The memory of eager code on the WebAssembly backend: dropped tensors come back, and a full heap is no end. */
import { describe, expect, it } from 'vitest';
import { QuantGradError } from '../../../src/errors.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import '../../../src/ops/methods.js';
import { withBackend } from '../../../src/tensor/backend.js';
import { full, ones } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const MIB = 2 ** 20;

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof QuantGradError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

describe('dropped tensors', () => {
  it('come back in a loop that lets the event loop turn, without anybody asking the collector', async () => {
    const backend = WasmBackend.create({ threads: 1 });
    const x = ones([4, MIB], { backend });
    let peak = 0;
    for (let step = 0; step < 150; step++) {
      x.add(x);
      await new Promise((resolve) => setImmediate(resolve));
      peak = Math.max(peak, backend.info().heapUsed);
    }
    // 2.4 GB were computed.
    expect(peak).toBeLessThan(1000 * MIB);
    expect(backend.info().fallbacks.size).toBe(0);
  });
});

describe('a full heap', () => {
  it('is no end: more tensors have memory of their own, and kernels of both kinds agree', () => {
    const backend = WasmBackend.create({ limit: 4 * MIB, threads: 1 });
    withBackend(backend, () => {
      const kept: Tensor[] = [];
      for (let index = 0; index < 10; index++) kept.push(full([MIB / 4], index));
      const sums = kept.map((each, index) => each.add(kept[(index + 1) % 10]));
      expect(backend.info().fallbacks.get('binary')).toBeGreaterThan(5);
      expect(sums.map((sum) => sum.dataSync()[MIB / 4 - 1])).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 9]);
    });
  });

  it('beyond the engine itself is an error that says what was asked for', () => {
    const backend = WasmBackend.create({ limit: MIB, threads: 1 });
    const x = ones([1], { backend });
    expect(codeOf(() => x.broadcastTo([2 ** 26, 2 ** 26]))).toBe('HEAP_FULL');
    expect(x.add(1).itemSync()).toBe(2);
  });
});

describe('release', () => {
  it('gives memory back once, and what was released is not read', () => {
    const backend = WasmBackend.create({ threads: 1 });
    const before = backend.info().heapUsed;
    const storage = backend.upload(Float32Array.of(1, 2), 'float32');
    const other = backend.upload(Float32Array.of(3, 4), 'float32');
    backend.release(storage);
    backend.release(storage);
    expect(codeOf(() => backend.readSync(storage))).toBe('STORAGE_RELEASED');
    expect([...backend.readSync(other)]).toEqual([3, 4]);
    backend.release(other);
    expect(backend.info().heapUsed).toBe(before);
  });
});
