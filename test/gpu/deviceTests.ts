/** Properties of the GPU.js backend that need a browser: each test gets the mode and makes its own backend. */
import { BackendError } from '../../src/errors.js';
import type { Operand, Storage } from '../../src/kernels/contract.js';
import { GpuJsBackend } from '../../src/kernels/gpujs/backend.js';
import { GPU_JS_MODES, type GpuJsMode } from '../../src/kernels/gpujs/library.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { createRandom, filled } from '../kernels/conformance/kernelCase.js';
import { type Chain, runChain } from '../kernels/gpujs/chain.js';
import { STEPS, train } from '../kernels/gpujs/train.js';
import { compare } from './conformance.js';
import { check } from './outcome.js';

declare global {
  interface Window {
    gc?: () => void;
  }
}

const vector = (storage: Storage): Operand => ({ shape: [storage.length], dtype: 'float32', storage });

/** A chain's inputs and result on the reference backend. */
async function referenceChain(): Promise<Chain> {
  return runChain(new ReferenceBackend());
}

export interface DeviceTest {
  /** Where it says something. */
  readonly modes: readonly GpuJsMode[];
  readonly test: (mode: GpuJsMode) => Promise<void>;
}

const everywhere = (test: DeviceTest['test']): DeviceTest => ({ modes: GPU_JS_MODES, test });
const withDeviceMemory = (test: DeviceTest['test']): DeviceTest => ({ modes: ['webgl2', 'webgpu'], test });

export const DEVICE_TESTS: Readonly<Record<string, DeviceTest>> = {
  'a chain of kernels stays on the device until it is read': withDeviceMemory(async (mode) => {
    const backend = await GpuJsBackend.create({ mode });
    const { result, uploads } = await runChain(backend);
    // Once the launches that were enqueued are done, nothing has been read.
    const values = await backend.read(result);
    const { readbacks, uploads: copies, fallbacks } = backend.info();
    check(readbacks === 1, `${readbacks} arrays were read instead of 1`);
    check(copies === uploads, `${copies} arrays were uploaded instead of ${uploads}`);
    check(Object.keys(fallbacks).length === 0, `reference kernels ran: ${JSON.stringify(fallbacks)}`);
    const { result: expected } = await referenceChain();
    compare(values, new ReferenceBackend().readSync(expected), { absolute: 1e-5, relative: 1e-5 });
    await backend.dispose();
  }),

  'a storage may be released as soon as its last kernel is enqueued': withDeviceMemory(async (mode) => {
    const backend = await GpuJsBackend.create({ mode });
    let current = backend.upload(new Float32Array([1, -2, 3]), 'float32');
    for (let step = 0; step < 20; step++) {
      const [next] = backend.run('binary', [vector(current), vector(current)], { function: 'add' }, [vector(current)]);
      backend.release(current);
      current = next;
    }
    compare(await backend.read(current), [2 ** 20, -(2 ** 21), 3 * 2 ** 20], { absolute: 0, relative: 0 });
    check(backend.info().deviceArrays === 1, `${backend.info().deviceArrays} arrays are on the device instead of 1`);
    await backend.dispose();
  }),

  'a result can be read after its kernel fell out of the cache': withDeviceMemory(async (mode) => {
    const backend = await GpuJsBackend.create({ mode, kernelCapacity: 1 });
    const results = [1, 2, 3, 4, 5].map((length) => {
      const x = vector(backend.upload(new Float32Array(length).fill(-length), 'float32'));
      return backend.run('unary', [x], { function: 'negative' }, [x])[0];
    });
    for (const [index, result] of results.entries()) {
      compare(await backend.read(result), new Array(index + 1).fill(index + 1), { absolute: 0, relative: 0 });
    }
    const { kernels } = backend.info();
    check(kernels.cached === 1 && kernels.evicted >= 9, `unexpected cache: ${JSON.stringify(kernels)}`);
    await backend.dispose();
  }),

  'arrays that are forgotten without being released are freed': withDeviceMemory(async (mode) => {
    const backend = await GpuJsBackend.create({ mode });
    const x = vector(backend.upload(new Float32Array([1, 2]), 'float32'));
    for (let step = 0; step < 50; step++) {
      backend.run('unary', [x], { function: 'negative' }, [x]);
    }
    await backend.read(backend.run('unary', [x], { function: 'negative' }, [x])[0]);
    const before = backend.info().deviceArrays;
    check(typeof window.gc === 'function', 'this browser was not started with --js-flags=--expose-gc');
    // Collection and the callbacks after it take a few turns of the event loop.
    for (let attempt = 0; attempt < 50 && backend.info().deviceArrays > 10; attempt++) {
      window.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { deviceArrays } = backend.info();
    check(before >= 51 && deviceArrays <= 10, `${deviceArrays} of ${before} arrays are left`);
    compare(await backend.read(backend.run('unary', [x], { function: 'negative' }, [x])[0]), [-1, -2], {
      absolute: 0,
      relative: 0,
    });
    await backend.dispose();
  }),

  'tensors longer than a side of a texture are exact': everywhere(async (mode) => {
    const backend = await GpuJsBackend.create({ mode });
    const [rows, columns] = [701, 1429];
    const random = createRandom(3);
    const a = filled([rows, 1], () => Math.floor(1000 * random()));
    const b = filled([1, columns], () => Math.floor(1000 * random()));
    const operands = [a, b].map(({ shape, dtype, values }) => ({
      shape,
      dtype,
      storage: backend.upload(values, dtype),
    }));
    const [sum] = backend.run('binary', operands, { function: 'add' }, [{ shape: [rows, columns], dtype: 'float32' }]);
    const expected = Float32Array.from(
      { length: rows * columns },
      (_, index) => a.values[Math.floor(index / columns)] + b.values[index % columns],
    );
    compare(await backend.read(sum), expected, { absolute: 0, relative: 0 });
    await backend.dispose();
  }),

  'reading at once works exactly in the synchronous modes': everywhere(async (mode) => {
    const backend = await GpuJsBackend.create({ mode });
    const x = vector(backend.upload(new Float32Array([-1, 2]), 'float32'));
    const [result] = backend.run('unary', [x], { function: 'relu' }, [x]);
    if (backend.synchronous) {
      compare(backend.readSync(result), [0, 2], { absolute: 0, relative: 0 });
    } else {
      let error: unknown;
      try {
        backend.readSync(result);
      } catch (thrown) {
        error = thrown;
      }
      check(error instanceof BackendError && error.code === 'ASYNCHRONOUS_BACKEND', `got ${String(error)}`);
    }
    await backend.dispose();
  }),

  'the asynchronous contract gives the same results': everywhere(async (mode) => {
    const backend = await GpuJsBackend.create({ mode, asynchronous: true });
    check(!backend.synchronous, 'the backend says that it is synchronous');
    const { result: expected } = await referenceChain();
    const { result } = runChain(backend);
    compare(await backend.read(result), new ReferenceBackend().readSync(expected), { absolute: 1e-5, relative: 1e-5 });
    await backend.dispose();
  }),

  [`the losses of ${STEPS} training steps are the reference's within 1e-3`]: everywhere(async (mode) => {
    const backend = await GpuJsBackend.create({ mode });
    compare(await train(backend), await train(new ReferenceBackend()), { absolute: 1e-3, relative: 0 });
    // What the last step enqueued after its loss may not have run yet.
    const { launches } = backend.info();
    check((launches.conv2d ?? 0) === STEPS, `launches: ${JSON.stringify(launches)}`);
    await backend.dispose();
  }),

  'a lost WebGL context is a typed error': {
    modes: ['webgl2'],
    test: async (mode) => {
      const contexts: WebGL2RenderingContext[] = [];
      const prototype = HTMLCanvasElement.prototype;
      const original = prototype.getContext;
      prototype.getContext = function (this: HTMLCanvasElement, ...args: Parameters<typeof original>) {
        const context = original.apply(this, args);
        if (context instanceof WebGL2RenderingContext) {
          contexts.push(context);
        }
        return context;
      } as typeof original;
      const backend = await GpuJsBackend.create({ mode });
      const x = vector(backend.upload(new Float32Array([-1, 2]), 'float32'));
      const [result] = backend.run('unary', [x], { function: 'relu' }, [x]);
      prototype.getContext = original;
      check(contexts.length > 0, 'no WebGL context was seen');
      for (const context of contexts) {
        context.getExtension('WEBGL_lose_context')?.loseContext();
      }
      const error: unknown = await backend.read(result).catch((reason: unknown) => reason);
      check(error instanceof BackendError && error.code === 'DEVICE_LOST', `got ${String(error)}`);
    },
  },
};
