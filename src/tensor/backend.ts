/** Which backend new tensors live on: what `init` chose, or, where nobody asked, the fastest that every tensor can use. */
import { BackendError, ValidationError } from '../errors.js';
import type { Backend } from '../kernels/contract.js';
import { ReferenceBackend } from '../kernels/reference/backend.js';
import { WasmBackend } from '../kernels/wasm/backend.js';
import type { SimdBits } from '../kernels/wasm/environment.js';
import { chooseNumerics, type NumericMode } from '../kernels/wasm/numerics.js';
import { simdSupported } from '../kernels/wasm/support.js';
import {
  checkThreadCount,
  getThreads,
  setThreads,
  threadsPossible,
  threadsReason,
} from '../kernels/wasm/threads/count.js';
import { checkOptions, nearestName } from '../options.js';

export type { SimdBits } from '../kernels/wasm/environment.js';
export type { NumericMode } from '../kernels/wasm/numerics.js';

interface Choice {
  readonly backend: Backend;
  /** Why it is this one, as a sentence. */
  readonly reason: string;
  /** Why vectors have the bits that they have, where this was asked again for a backend that was there. */
  readonly simdReason?: string;
}

const reference = new ReferenceBackend();
/** Nothing is started before the first tensor, so that importing the package costs nothing. */
let current: Choice | null = null;

/** The reference backend, which always exists. */
export const referenceBackend = (): Backend => reference;

/**
 * The backend that new tensors are placed on. Until `init` chooses another, it is WebAssembly with `init`'s defaults, or
 * the reference backend where the engine has no WebAssembly SIMD.
 */
export const defaultBackend = (): Backend => chosen().backend;

const chosen = (): Choice => (current ??= chooseDefault({}));

export function setDefaultBackend(backend: Backend): void {
  current = { backend, reason: 'The program has set it.' };
}

/** Runs `body` with another default backend. */
export function withBackend<T>(backend: Backend, body: () => T): T {
  const previous = current;
  setDefaultBackend(backend);
  try {
    return body();
  } finally {
    current = previous;
  }
}

export interface InitOptions {
  /**
   * - `wasm` (default wherever the JavaScript engine has WebAssembly SIMD): generated SIMD kernels for float32 on several
   *   threads, and planned execution. What it has no kernels for, such as float64, runs as the reference kernels.
   * - `reference` (default elsewhere): plain TypeScript.
   * - `gpujs`: hand-written GPU.js kernels, with the plain TypeScript ones for what they do not cover.
   * - `auto`: a hardware GPU, through WebGPU or else WebGL 2, if a matrix product is faster there than on what would be the
   *   default; else the default. Where there is a GPU this loads GPU.js and measures for a second or two; `info()` says what
   *   was found. Results then depend on the machine.
   */
  backend?: 'wasm' | 'reference' | 'gpujs' | 'auto';
  /**
   * How the WebAssembly backend rounds; `docs/numerics.md` says more.
   *
   * - `portable` (default, so that a result can be repeated): plain SIMD, the same bits on every machine, JavaScript engine
   *   and browser and for every number of threads; the same seed gives files that are equal byte by byte.
   * - `fast`: the relaxed multiply-add in products, convolutions, normalisation and optimizers, where the engine has it. The
   *   last bits of results then depend on the machine; on one machine they are still the same in every run.
   */
  mode?: NumericMode;
  /**
   * Bits of the WebAssembly backend's vectors. Default: the environment variable `QUANTGRAD_SIMD`, else 128. 256 needs Node 24
   * or newer on an x64 processor with AVX2, where it switches on an experimental pass of V8 while kernels are compiled. It
   * is checked when the backend starts: should the engine compile a kernel wrongly, or be unable to, there is one warning,
   * and 128. Independent of `mode`, and changes no bit of any result: a pair of vectors is computed at once, in the same order.
   */
  simd?: SimdBits;
  /**
   * Threads that kernels run on, the calling one included, as `setThreads` sets; from 1 to 64. Results are the same bits for
   * every number. Default: the environment variable `QUANTGRAD_THREADS`, else the number of cores that the process may use; 1 in
   * a browser page that is not cross-origin isolated. `init` waits until they run; by default they start with the first
   * work that is worth it. They do not keep the process alive.
   */
  threads?: number;
  /** Where `gpujs` computes: `gpu` (default: WebGL2 where there is one, else WebAssembly), `webgl2`, `webgpu`, `webasm` or `cpu`. */
  gpuMode?: 'gpu' | 'webgl2' | 'webgpu' | 'webasm' | 'cpu';
}

const OPTIONS = ['backend', 'mode', 'simd', 'threads', 'gpuMode'] as const satisfies readonly (keyof InitOptions)[];
const BACKENDS = ['wasm', 'reference', 'gpujs', 'auto'] as const;

/** The reference backend where there is no WebAssembly SIMD, or no room for its memory. */
function chooseDefault(options: InitOptions): Choice {
  if (!simdSupported()) {
    return { backend: reference, reason: 'This JavaScript engine has no WebAssembly SIMD.' };
  }
  try {
    return chooseWasm(options, 'This JavaScript engine has WebAssembly SIMD.');
  } catch (error) {
    // What the system refuses is an address range; typed errors are about options.
    if (!(error instanceof RangeError)) throw error;
    return { backend: reference, reason: `WebAssembly has no room for its memory here (${error.message}).` };
  }
}

/** The present WebAssembly backend if it is what is asked for, so that tensors that exist stay usable. */
function chooseWasm({ mode, simd }: InitOptions, reason: string): Choice {
  const present = current?.backend;
  if (present instanceof WasmBackend) {
    const wanted = chooseNumerics({ mode, simd });
    const info = present.info();
    if (wanted.mode === info.mode && wanted.simd.bits === info.simd) {
      return { backend: present, reason, simdReason: wanted.simd.reason };
    }
  }
  return { backend: WasmBackend.create({ mode, simd }), reason };
}

async function choose(options: InitOptions): Promise<Choice> {
  const { backend, gpuMode, mode, simd } = options;
  if (backend === undefined) return chooseDefault(options);
  if (backend === 'auto') {
    if (gpuMode !== undefined) {
      throw new ValidationError(
        'INVALID_OPTION',
        "init: with the backend 'auto' there is no option 'gpuMode', because 'auto' chooses it. Leave it out, or ask for 'gpujs'.",
        { option: 'gpuMode', backend },
      );
    }
    const { chooseAutomatically } = await import('./autoBackend.js');
    // The comparison is with as many threads as there will be.
    if (options.threads !== undefined) setThreads(options.threads);
    return chooseAutomatically(chooseDefault(options));
  }
  const reason = `init was asked for '${backend}'.`;
  if (backend === 'wasm') return chooseWasm(options, reason);
  for (const [option, value] of Object.entries({ mode, simd })) {
    if (value === undefined) continue;
    const advice = option === 'mode' && backend === 'gpujs' ? " Where GPU.js computes is the option 'gpuMode'." : '';
    throw new ValidationError(
      'INVALID_OPTION',
      `init: the option '${option}' is for the 'wasm' backend; '${backend}' has none.${advice}`,
      { option, backend },
    );
  }
  if (backend === 'reference') return { backend: reference, reason };
  const { GpuJsBackend } = await import('../kernels/gpujs/backend.js');
  return { backend: await GpuJsBackend.create({ mode: gpuMode ?? 'gpu' }), reason };
}

/**
 * Chooses the backend for tensors created from now on, and how it computes. Optional: the first tensor does it too, with
 * the defaults. Tensors that exist stay where they are; `tensor.to(backend)` moves them.
 * @throws BackendError `UNKNOWN_BACKEND`, `WASM_SIMD_MISSING`, or those of GPU.js
 * @throws ValidationError `UNKNOWN_OPTION`, `INVALID_OPTION`, `THREAD_COUNT`, `ENVIRONMENT_VALUE`
 */
export async function init(options: InitOptions = {}): Promise<Backend> {
  checkOptions('init', options, OPTIONS);
  const { backend, threads } = options;
  if (backend !== undefined && !BACKENDS.includes(backend)) {
    const nearest = nearestName(String(backend), BACKENDS);
    throw new BackendError(
      'UNKNOWN_BACKEND',
      `There is no backend '${String(backend)}'.${nearest ? ` Did you mean '${nearest}'?` : ''} Use 'wasm', 'reference', 'gpujs' or 'auto'.`,
      { backend, nearest },
    );
  }
  if (threads !== undefined) checkThreadCount(threads);
  current = await choose(options);
  if (threads !== undefined) {
    setThreads(threads);
    // So that the first step has them. Where they cannot be started there is one, and `info().reasons` says why.
    if (current.backend instanceof WasmBackend) await current.backend.startThreads().catch(() => {});
  }
  return current.backend;
}

/** What new tensors are computed with, and why. */
export interface EngineInfo {
  /** `wasm`, `reference`, or `gpujs-` and where GPU.js computes. */
  readonly backend: string;
  /** Null where there are no modes: only the WebAssembly backend has them. */
  readonly mode: NumericMode | null;
  /** Whether kernels use the relaxed multiply-add: in `fast` mode, where the engine has it. */
  readonly relaxed: boolean;
  /** Bits of a vector; null where there are no vectors. */
  readonly simd: SimdBits | null;
  /** Threads that kernels may use, the calling one included; 1 where memory cannot be shared. */
  readonly threads: number;
  /** Why the backend, the bits and the threads are what they are, as sentences. */
  readonly reasons: { readonly backend: string; readonly simd: string; readonly threads: string };
}

/** What was chosen, by `init` or by default, and why. Chooses if nothing was chosen yet. */
export function info(): EngineInfo {
  const { backend, reason, simdReason } = chosen();
  if (!(backend instanceof WasmBackend)) {
    const reasons = {
      backend: reason,
      simd: `The ${backend.name} backend has no SIMD kernels of its own.`,
      threads: `The ${backend.name} backend has no threads of its own.`,
    };
    return { backend: backend.name, mode: null, relaxed: false, simd: null, threads: 1, reasons };
  }
  const { mode, relaxed, simd, threadProblem, ...present } = backend.info();
  const threads = threadsPossible() ? getThreads() : 1;
  const reasons = {
    backend: reason,
    simd: `${simd} bits: ${simdReason ?? present.simdReason}.`,
    threads: threadProblem ?? `${threads}: ${threadsReason()}.`,
  };
  return { backend: backend.name, mode, relaxed, simd, threads, reasons };
}
