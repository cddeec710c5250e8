/** What the GPU.js backend does besides computing the right values, which the conformance suite checks. */
import { afterEach, describe, expect, it } from 'vitest';
import { BackendError } from '../../../src/errors.js';
import type { Operand, Storage } from '../../../src/kernels/contract.js';
import { GpuJsBackend, type GpuJsOptions } from '../../../src/kernels/gpujs/backend.js';
import { ReferenceBackend } from '../../../src/kernels/reference/backend.js';
import { runChain } from './chain.js';

const backends: GpuJsBackend[] = [];

async function create(options: GpuJsOptions): Promise<GpuJsBackend> {
  const backend = await GpuJsBackend.create(options);
  backends.push(backend);
  return backend;
}

afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
});

const vector = (storage: Storage): Operand => ({ shape: [storage.length], dtype: 'float32', storage });
const upload = (backend: GpuJsBackend, values: readonly number[]): Operand =>
  vector(backend.upload(Float32Array.from(values), 'float32'));
const negate = (backend: GpuJsBackend, x: Operand): Storage =>
  backend.run('unary', [x], { function: 'negative' }, [x])[0];
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof BackendError ? error.code : String(error);
  }
  return 'nothing was thrown';
};

describe.each(['cpu', 'webasm'] as const)('GpuJsBackend in %s mode', (mode) => {
  it.each([false, true])(
    'runs a chain of its own kernels, without reference kernels (asynchronous: %s)',
    async (asynchronous) => {
      const backend = await create({ mode, asynchronous });
      const { result } = runChain(backend);
      const values = await backend.read(result);
      const { launches, fallbacks } = backend.info();
      // Several outputs that do not need each other are one launch.
      expect(launches).toMatchObject({ conv2d: 1, binary: 1, unary: 1, fakeQuantize: 1, sgdUpdate: 1 });
      expect(fallbacks).toEqual({});
      const reference = new ReferenceBackend();
      const expected = reference.readSync(runChain(reference).result);
      expect(values.length).toBe(expected.length);
      for (let index = 0; index < expected.length; index++) {
        expect(Math.abs(values[index] - expected[index])).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(expected[index])));
      }
    },
  );

  it('compiles a kernel once per shape, whatever the rates', async () => {
    const backend = await create({ mode });
    const x = upload(backend, [1, 2, 3]);
    const step = (learningRate: number) =>
      backend.run(
        'sgdUpdate',
        [x, x, x],
        { learningRate, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false, first: false },
        [x, x],
      );
    step(0.1);
    const { built } = backend.info().kernels;
    const [updated] = step(0.2);
    step(1);
    expect(backend.info().kernels.built).toBe(built);
    expect(backend.readSync(updated)[2]).toBeCloseTo(3 - 0.2 * (0.9 * 3 + 3), 6);
  });

  it('keeps no more kernels than its capacity, the most recently used ones', async () => {
    const backend = await create({ mode, kernelCapacity: 3 });
    const run = (length: number) => {
      const x = upload(backend, new Array<number>(length).fill(length));
      expect([...backend.readSync(negate(backend, x))]).toEqual(new Array(length).fill(-length));
    };
    for (const length of [1, 2, 3, 1, 4]) {
      run(length);
    }
    expect(backend.info().kernels).toEqual({ cached: 3, built: 4, evicted: 1, capacity: 3 });
    run(1);
    expect(backend.info().kernels.built).toBe(4);
    run(2);
    expect(backend.info().kernels).toEqual({ cached: 3, built: 5, evicted: 2, capacity: 3 });
  });

  it('takes the reference kernels for integers that float32 does not have, and for empty tensors', async () => {
    const backend = await create({ mode });
    const integers: Operand = {
      shape: [2],
      dtype: 'int32',
      storage: backend.upload(Int32Array.of(16777217, -5), 'int32'),
    };
    const [sum] = backend.run('binary', [integers, integers], { function: 'add' }, [{ shape: [2], dtype: 'int32' }]);
    expect([...backend.readSync(sum)]).toEqual([33554434, -10]);
    const empty = upload(backend, []);
    expect(negate(backend, empty).length).toBe(0);
    expect(backend.info().fallbacks).toEqual({ binary: 1, unary: 1 });
    expect(backend.info().launches).toEqual({});
  });

  it('refuses float64, released tensors and the tensors of other backends', async () => {
    const backend = await create({ mode });
    expect(backend.supportsDType('float64')).toBe(false);
    const foreign = vector(new ReferenceBackend().upload(new Float32Array(1), 'float32'));
    expect(codeOf(() => negate(backend, foreign))).toBe('FOREIGN_STORAGE');
    const x = upload(backend, [1]);
    backend.release(x.storage);
    expect(codeOf(() => negate(backend, x))).toBe('RELEASED_STORAGE');
    await backend.dispose();
    expect(codeOf(() => negate(backend, upload(backend, [1])))).toBe('BACKEND_DISPOSED');
  });

  it('enqueues and reads later in the asynchronous contract', async () => {
    const backend = await create({ mode, asynchronous: true });
    expect(backend.synchronous).toBe(false);
    const x = upload(backend, [1, -2]);
    let current = negate(backend, x);
    // A reference kernel between kernels of GPU.js waits for them.
    [current] = backend.run('unary', [vector(current)], { function: 'exp' }, [x]);
    [current] = backend.run('binary', [vector(current), x], { function: 'multiply' }, [x]);
    expect(codeOf(() => backend.readSync(current))).toBe('ASYNCHRONOUS_BACKEND');
    const released = current;
    const [last] = backend.run('binary', [vector(current), x], { function: 'subtract' }, [x]);
    backend.release(released);
    const values = await backend.read(last);
    expect(values[0]).toBeCloseTo(Math.exp(-1) - 1, 6);
    expect(values[1]).toBeCloseTo(-2 * Math.exp(2) + 2, 5);
  });

  it('reports the failure of an enqueued kernel to whoever reads its result', async () => {
    const backend = await create({ mode, asynchronous: true });
    const result = negate(backend, upload(backend, [1, 2]));
    await backend.dispose();
    const late = negate(backend, vector(result));
    await expect(backend.read(late)).rejects.toMatchObject({ code: 'BACKEND_DISPOSED' });
  });
});

describe('GpuJsBackend.create', () => {
  it('says why a mode cannot run', async () => {
    await expect(GpuJsBackend.create({ mode: 'webgl2' })).rejects.toThrow(/no WebGL 2 here/);
    await expect(GpuJsBackend.create({ mode: 'webgpu' })).rejects.toMatchObject({
      name: 'BackendError',
      code: 'MODE_UNAVAILABLE',
    });
    const unknown = { mode: 'cuda' } as unknown as GpuJsOptions;
    await expect(GpuJsBackend.create(unknown)).rejects.toThrow(/the modes are cpu, webasm, webgl2, webgpu and gpu/);
    await expect(GpuJsBackend.create({ mode: 'cpu', kernelCapacity: 0 })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('falls back from a GPU to WebAssembly', async () => {
    const backend = await create({});
    expect(backend.mode).toBe('webasm');
    expect(backend.name).toBe('gpujs-webasm');
  });
});
