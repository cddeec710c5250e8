/** Which backend is chosen, by default and by `init`. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackendError, ValidationError } from '../../src/errors.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import { getThreads, setThreads } from '../../src/kernels/wasm/threads/count.js';
import {
  defaultBackend,
  type InitOptions,
  info,
  init,
  referenceBackend,
  setDefaultBackend,
  withBackend,
} from '../../src/tensor/backend.js';
import { ones, tensor } from '../../src/tensor/create.js';
import '../../src/ops/methods.js';

const first = defaultBackend();
beforeEach(() => setDefaultBackend(first));
afterEach(() => {
  setThreads(1);
  delete process.env.QUANTGRAD_SIMD;
});

describe('by default', () => {
  it('tensors live on the WebAssembly backend, whatever their dtype', async () => {
    expect(first).toBeInstanceOf(WasmBackend);
    expect(ones([2]).backend).toBe(first);
    const double = tensor([1.1, 2.2], { dtype: 'float64' });
    expect(double.backend).toBe(first);
    expect(await double.add(double).data()).toEqual(new Float64Array([2.2, 4.4]));
  });

  it('rounding is portable, vectors have 128 bits, and info() says why', async () => {
    await init({ backend: 'reference' });
    expect(await init()).toBeInstanceOf(WasmBackend);
    expect(info()).toEqual({
      backend: 'wasm',
      mode: 'portable',
      relaxed: false,
      simd: 128,
      threads: 1,
      reasons: {
        backend: 'This JavaScript engine has WebAssembly SIMD.',
        simd: '128 bits: 128 is the default.',
        threads: '1: the program has set it.',
      },
    });
  });

  it('another backend can take its place for a while', () => {
    const other = WasmBackend.create();
    expect(withBackend(other, () => ones([1])).backend).toBe(other);
    expect(withBackend(other, info).reasons.backend).toBe('The program has set it.');
    expect(() =>
      withBackend(other, () => {
        throw new RangeError('inside');
      }),
    ).toThrow(RangeError);
    expect(defaultBackend()).toBe(first);
  });
});

describe('init', () => {
  it('keeps the backend where it is already what is asked for, so that tensors stay usable', async () => {
    const x = ones([3]);
    expect(await init()).toBe(first);
    expect(await init({ backend: 'wasm', mode: 'portable', simd: 128 })).toBe(first);
    expect(await x.add(ones([3])).data()).toEqual(new Float32Array([2, 2, 2]));
    const fast = await init({ mode: 'fast' });
    expect(fast).not.toBe(first);
    expect(await init({ mode: 'fast' })).toBe(fast);
    expect(info()).toMatchObject({ backend: 'wasm', mode: 'fast' });
  });

  it('gives the reference backend, which has no vectors and no modes', async () => {
    expect(await init({ backend: 'reference' })).toBe(referenceBackend());
    expect(info()).toMatchObject({ backend: 'reference', mode: null, simd: null, relaxed: false, threads: 1 });
    expect(info().reasons.backend).toBe("init was asked for 'reference'.");
  });

  it('sets the number of threads', async () => {
    const backend = await init({ threads: 3 });
    expect(getThreads()).toBe(3);
    expect(info().threads).toBe(3);
    // They run by then.
    expect((backend as WasmBackend).info().threads).toBe(3);
    await expect(init({ threads: 0 })).rejects.toMatchObject({ code: 'THREAD_COUNT' });
    expect(getThreads()).toBe(3);
  });

  it('warns where 256 bits are asked for and cannot be had, or has them', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    process.env.QUANTGRAD_SIMD = '256';
    await init();
    const { simd, reasons } = info();
    expect(reasons.simd).toMatch(/^(128|256) bits: QUANTGRAD_SIMD says 256, (but|and the check)/);
    if (simd === 128) expect(warn.mock.calls[0]?.[0]).toMatch(/256-bit SIMD was asked for/);
    warn.mockRestore();
  });

  it('checks its options', async () => {
    const wrong: readonly [InitOptions, RegExp][] = [
      [{ backend: 'tpu' as 'wasm' }, /no backend 'tpu'.*Use 'wasm', 'reference', 'gpujs' or 'auto'/],
      [{ backend: 'webasm' as 'wasm' }, /Did you mean 'wasm'\?/],
      [{ thread: 2 } as InitOptions, /init has no option 'thread'. Did you mean 'threads'\?/],
      [{ mode: 'exact' as 'fast' }, /'portable' \(default\) or 'fast'/],
      [{ simd: 64 as 128 }, /128 \(default\) or 256/],
      [{ backend: 'reference', mode: 'fast' }, /option 'mode' is for the 'wasm' backend/],
      [{ backend: 'reference', simd: 256 }, /option 'simd' is for the 'wasm' backend/],
      [{ backend: 'gpujs', mode: 'webgl2' as 'fast' }, /'gpuMode'/],
      [{ backend: 'auto', gpuMode: 'webgl2' }, /'auto' chooses it/],
    ];
    for (const [options, message] of wrong) {
      const failure = await init(options).catch((error: unknown) => error);
      expect(failure instanceof ValidationError || failure instanceof BackendError, JSON.stringify(options)).toBe(true);
      expect((failure as Error).message).toMatch(message);
    }
    await expect(init(7 as InitOptions)).rejects.toMatchObject({ code: 'OPTIONS_NOT_AN_OBJECT' });
    expect(defaultBackend()).toBe(first);
  });

  it('chooses WebAssembly for auto where there is no GPU, keeps the backend, and says why', async () => {
    const x = ones([3]);
    expect(await init({ backend: 'auto', threads: 2 })).toBe(first);
    expect(await x.add(ones([3])).data()).toEqual(new Float32Array([2, 2, 2]));
    expect(info()).toMatchObject({ backend: 'wasm', mode: 'portable', threads: 2 });
    expect(info().reasons.backend).toBe(
      "init was asked for 'auto'. WebGPU: it is not here. WebGL 2: it is not here. This JavaScript engine has WebAssembly SIMD.",
    );
    await init({ backend: 'auto', mode: 'fast' });
    expect(info()).toMatchObject({ backend: 'wasm', mode: 'fast' });
  });

  it('starts GPU.js where it computes as asked', async () => {
    await init({ backend: 'gpujs', gpuMode: 'cpu' });
    expect(info()).toMatchObject({ backend: 'gpujs-cpu', mode: null, simd: null });
  });
});

describe('a process', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const run = async (program: string, environment: Record<string, string | undefined>): Promise<unknown> => {
    const entry = pathToFileURL(`${root}src/index.ts`).href;
    const source = `import * as q from ${JSON.stringify(entry)};${program}`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', source];
    const env = { ...process.env, QUANTGRAD_THREADS: undefined, ...environment };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env });
    return JSON.parse(stdout);
  };

  it('that imports the package starts nothing; one that computes has as many threads as cores, and ends', async () => {
    const program = `
      const bytes = () => process.memoryUsage().external + process.memoryUsage().arrayBuffers;
      const before = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap').length;
      const x = q.ones([512, 512]);
      for (let i = 0; i < 3; i++) x.matmul(x);
      await new Promise((done) => setTimeout(done, 200));
      x.matmul(x);
      const { backend, threads } = q.info();
      console.log(JSON.stringify({ before, backend, threads }));`;
    expect(await run(program, {})).toEqual({ before: 0, backend: 'wasm', threads: availableParallelism() });
  });

  it('takes the number of threads from QUANTGRAD_THREADS, and refuses what is none', async () => {
    expect(await run('console.log(q.info().threads)', { QUANTGRAD_THREADS: '3' })).toBe(3);
    const refused = `try { q.info() } catch (e) { console.log(JSON.stringify([e.code, e.message])) }`;
    expect(await run(refused, { QUANTGRAD_THREADS: 'many' })).toEqual([
      'ENVIRONMENT_VALUE',
      expect.stringMatching(/QUANTGRAD_THREADS is 'many'.*whole number from 1 to 64/),
    ]);
  });
});
