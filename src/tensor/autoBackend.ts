/**
 * What `init({ backend: 'auto' })` chooses: a hardware GPU where a measured matrix product is faster there than on the
 * backend that would be taken otherwise. What is cheap to know comes first: GPU.js, 600 kB, is loaded only where there is a
 * hardware GPU. Its `cpu` and `webasm` modes are never chosen: WebAssembly kernels of our own are faster than both.
 */
import type { Backend } from '../kernels/contract.js';
import { findHardware, type GraphicsMode, type HardwareFinding } from '../kernels/gpujs/hardware.js';
import { WasmBackend } from '../kernels/wasm/backend.js';
import { getThreads, threadsPossible } from '../kernels/wasm/threads/count.js';
import { type Measurement, measureBackend, SIDE } from './measureBackend.js';

/** A backend, and why it is this one, as sentences. */
export interface BackendChoice {
  readonly backend: Backend;
  readonly reason: string;
}

/** What the choice depends on; tests give their own. */
export interface AutoSeams {
  /** Whether there is a hardware GPU. Must be cheap. */
  find(mode: GraphicsMode): Promise<HardwareFinding>;
  /** Starts the backend that computes there. */
  start(mode: GraphicsMode): Promise<Backend & { dispose(): Promise<void> }>;
  measure(backend: Backend): Promise<Measurement>;
}

/** Milliseconds that threads have to start. */
const JOINING = 300;

const SEAMS: AutoSeams = {
  find: (mode) => findHardware(mode),
  start: async (mode) => {
    const { GpuJsBackend } = await import('../kernels/gpujs/backend.js');
    return GpuJsBackend.create({ mode });
  },
  measure: async (backend) => {
    if (backend instanceof WasmBackend) await joinThreads(backend);
    return measureBackend(backend);
  },
};

/** Threads start with the first work that is worth it, and need turns of the event loop in a browser. */
async function joinThreads(backend: WasmBackend): Promise<void> {
  const wanted = threadsPossible() ? getThreads() : 1;
  const end = performance.now() + JOINING;
  while (backend.info().threads < wanted && performance.now() < end) {
    await measureBackend(backend, { limit: JOINING / 10 });
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** In the order in which they are tried: WebGPU has storage buffers and no textures in between. */
const MODES: readonly (readonly [GraphicsMode, string])[] = [
  ['webgpu', 'WebGPU'],
  ['webgl2', 'WebGL 2'],
];

const milliseconds = (value: number): string => `${value.toPrecision(2)} ms`;

/**
 * Chooses between the GPU and what would be taken without one.
 * @param otherwise The WebAssembly backend, or the reference backend where there is none.
 */
export async function chooseAutomatically(otherwise: BackendChoice, seams: AutoSeams = SEAMS): Promise<BackendChoice> {
  const reasons = ["init was asked for 'auto'."];
  /** Of the backend that is there anyway; measured once, and only if there is a GPU to compare with. */
  let baseline: Measurement | null = null;
  for (const [mode, name] of MODES) {
    const found = await seams.find(mode);
    if ('missing' in found) {
      reasons.push(`${name}: ${found.missing}.`);
      continue;
    }
    const where = `${name} (${found.renderer})`;
    let backend: Awaited<ReturnType<AutoSeams['start']>>;
    try {
      backend = await seams.start(mode);
    } catch (error) {
      reasons.push(`${where}: it could not be started. ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    const measured = await seams.measure(backend);
    if ('milliseconds' in measured) {
      baseline ??= await seams.measure(otherwise.backend);
      const own = `a ${SIDE}x${SIDE} matrix product takes ${milliseconds(measured.milliseconds)} there`;
      if ('failed' in baseline || measured.milliseconds < baseline.milliseconds) {
        const other = 'failed' in baseline ? baseline.failed : milliseconds(baseline.milliseconds);
        return { backend, reason: [...reasons, `${where}: ${own}; ${otherwise.backend.name}: ${other}.`].join(' ') };
      }
      reasons.push(`${where}: ${own}, and ${milliseconds(baseline.milliseconds)} on ${otherwise.backend.name}.`);
    } else {
      reasons.push(`${where}: a matrix product was tried, but ${measured.failed}.`);
    }
    // Nobody is told if that fails too: the device is not used any more.
    await backend.dispose().catch(() => undefined);
  }
  return { backend: otherwise.backend, reason: [...reasons, otherwise.reason].join(' ') };
}
