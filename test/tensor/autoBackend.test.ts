/** What `init({ backend: 'auto' })` chooses, for every combination of graphics and measured times, without a GPU. */
import { describe, expect, it, vi } from 'vitest';
import type { Backend } from '../../src/kernels/contract.js';
import type { GraphicsMode, HardwareFinding } from '../../src/kernels/gpujs/hardware.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { type AutoSeams, chooseAutomatically } from '../../src/tensor/autoBackend.js';
import { type Measurement, measureBackend, SIDE } from '../../src/tensor/measureBackend.js';

type Outcome = HardwareFinding | 'cannot start';

/** What there is: for each API what is found, and for each backend what is measured. */
interface Situation {
  readonly webgpu?: Outcome;
  readonly webgl2?: Outcome;
  readonly times?: Readonly<Record<string, number | string>>;
}

const GPU: HardwareFinding = { renderer: 'Some GPU' };
const SOFTWARE: HardwareFinding = { missing: 'it is rendered in software (SwiftShader)' };
const NONE: HardwareFinding = { missing: 'it is not here' };

function seamsOf({ webgpu = NONE, webgl2 = NONE, times = {} }: Situation) {
  const found = { webgpu, webgl2 };
  const log: string[] = [];
  const seams: AutoSeams = {
    find: async (mode) => {
      log.push(`find ${mode}`);
      const outcome = found[mode];
      return outcome === 'cannot start' ? GPU : outcome;
    },
    start: async (mode: GraphicsMode) => {
      log.push(`start ${mode}`);
      if (found[mode] === 'cannot start') throw new Error('GPU.js cannot run.');
      const dispose = async (): Promise<void> => {
        log.push(`dispose ${mode}`);
      };
      return { name: `gpujs-${mode}`, dispose } as unknown as Backend & { dispose(): Promise<void> };
    },
    measure: async ({ name }): Promise<Measurement> => {
      log.push(`measure ${name}`);
      const time = times[name];
      return typeof time === 'number' ? { milliseconds: time } : { failed: String(time) };
    },
  };
  return { seams, log };
}

async function choose(situation: Situation, otherwise = 'wasm') {
  const { seams, log } = seamsOf(situation);
  const present = { backend: { name: otherwise } as Backend, reason: 'It is the default.' };
  const { backend, reason } = await chooseAutomatically(present, seams);
  return { chosen: backend.name, reason, log };
}

describe('the choice', () => {
  it('is the default without hardware; nothing is loaded or measured then', async () => {
    for (const webgpu of [NONE, SOFTWARE]) {
      for (const webgl2 of [NONE, SOFTWARE]) {
        for (const otherwise of ['wasm', 'reference']) {
          const { chosen, reason, log } = await choose({ webgpu, webgl2 }, otherwise);
          expect(chosen).toBe(otherwise);
          expect(log).toEqual(['find webgpu', 'find webgl2']);
          expect(reason).toMatch(/^init was asked for 'auto'\. WebGPU: .*\. WebGL 2: .*\. It is the default\.$/);
        }
      }
    }
  });

  it('is WebGPU where that is faster; WebGL 2 is not even looked for', async () => {
    const { chosen, reason, log } = await choose({
      webgpu: GPU,
      webgl2: GPU,
      times: { 'gpujs-webgpu': 0.416, wasm: 6.12 },
    });
    expect(chosen).toBe('gpujs-webgpu');
    expect(reason).toBe(
      "init was asked for 'auto'. WebGPU (Some GPU): a 512x512 matrix product takes 0.42 ms there; wasm: 6.1 ms.",
    );
    expect(log).toEqual(['find webgpu', 'start webgpu', 'measure gpujs-webgpu', 'measure wasm']);
  });

  it('is WebGL 2 where WebGPU is missing, software, broken, wrong or slow', async () => {
    const others: readonly Situation[] = [
      { webgpu: NONE },
      { webgpu: SOFTWARE },
      { webgpu: 'cannot start' },
      { webgpu: GPU, times: { 'gpujs-webgpu': 'its result was wrong' } },
      { webgpu: GPU, times: { 'gpujs-webgpu': 7 } },
    ];
    for (const { webgpu, times } of others) {
      const { chosen, log } = await choose({ webgpu, webgl2: GPU, times: { 'gpujs-webgl2': 2, wasm: 6, ...times } });
      expect(chosen).toBe('gpujs-webgl2');
      expect(log.filter((entry) => entry === 'measure wasm')).toHaveLength(1);
      expect(log.includes('dispose webgpu')).toBe(webgpu === GPU);
      expect(log).not.toContain('dispose webgl2');
    }
  });

  it('is the default where every GPU is slower, fails or is wrong; they are given back', async () => {
    for (const time of [6, 60, 'its result was wrong', 'it took longer than 1000 ms', 'it failed (lost)']) {
      const times = { 'gpujs-webgpu': time, 'gpujs-webgl2': time, wasm: 6 };
      const { chosen, reason, log } = await choose({ webgpu: GPU, webgl2: GPU, times });
      expect(chosen).toBe('wasm');
      expect(log).toEqual(expect.arrayContaining(['dispose webgpu', 'dispose webgl2']));
      const text =
        typeof time === 'number' ? `${time.toPrecision(2)} ms there, and 6.0 ms on wasm.` : `tried, but ${time}.`;
      expect(reason.split(text)).toHaveLength(3);
      expect(reason).toMatch(/It is the default\.$/);
    }
  });

  it('is the GPU where the default cannot be measured', async () => {
    const times = { 'gpujs-webgl2': 90, reference: 'it took longer than 1000 ms' };
    const { chosen, reason } = await choose({ webgl2: GPU, times }, 'reference');
    expect(chosen).toBe('gpujs-webgl2');
    expect(reason).toContain('90 ms there; reference: it took longer than 1000 ms.');
  });
});

/** A backend whose product is made up: the right one where nothing is said. */
function backendOf(read: (right: Float32Array) => Promise<Float32Array>) {
  const reference = new ReferenceBackend();
  const live = new Set<unknown>();
  let right: Float32Array | null = null;
  const own = <T>(storage: T): T => {
    live.add(storage);
    return storage;
  };
  const backend: Backend = {
    name: 'made up',
    synchronous: false,
    supportsDType: () => true,
    upload: (values, dtype) => own(reference.upload(values, dtype)),
    run: (kernel, inputs, attributes, outputs) => {
      // One real product is enough.
      right ??= reference.readSync(reference.run(kernel, inputs, attributes, outputs)[0]) as Float32Array;
      return [own(reference.upload(new Float32Array(), 'float32'))];
    },
    read: () => read((right as Float32Array).slice()),
    readSync: () => new Float32Array(),
    release: (storage) => void live.delete(storage),
  };
  return { backend, live };
}

describe('the measurement', () => {
  it('gives the time of a product, and leaves nothing behind', async () => {
    let time = 0;
    const { backend, live } = backendOf(async (right) => right);
    const run = vi.spyOn(backend, 'run');
    const now = (): number => time;
    const timed: Backend = {
      ...backend,
      run: (...call) => {
        time += 10;
        return backend.run(...call);
      },
    };
    expect(await measureBackend(timed, { now })).toEqual({ milliseconds: 10 });
    expect(run.mock.calls[0][3]).toEqual([{ shape: [SIDE, SIDE], dtype: 'float32' }]);
    expect(live.size).toBe(0);
  });

  it('finds wrong results: zeros, half precision, NaN, another size', async () => {
    const half = (value: number): number => {
      const scale = 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 10);
      return Math.round(value / scale) * scale;
    };
    const wrong: readonly ((right: Float32Array) => Float32Array)[] = [
      (right) => right.fill(0),
      (right) => right.map(half),
      (right) => right.fill(Number.NaN),
      (right) => right.subarray(1),
    ];
    for (const change of wrong) {
      const { backend, live } = backendOf(async (right) => change(right));
      expect(await measureBackend(backend)).toEqual({ failed: 'its result was wrong' });
      expect(live.size).toBe(0);
    }
  });

  it('gives up a backend that does not answer, and one that fails', async () => {
    const silent = backendOf(() => new Promise(() => undefined));
    expect(await measureBackend(silent.backend, { limit: 20 })).toEqual({ failed: 'it took longer than 20 ms' });
    const failing = backendOf(async () => {
      throw new Error('The GPU was lost.');
    });
    expect(await measureBackend(failing.backend)).toEqual({ failed: 'it failed (The GPU was lost.)' });
    expect(failing.live.size).toBe(0);
    let time = 0;
    const slow = backendOf(async (right) => {
      time += 2000;
      return right;
    });
    expect(await measureBackend(slow.backend, { now: () => time })).toEqual({ failed: 'it took longer than 1000 ms' });
  });
});
