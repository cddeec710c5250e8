/** The choice of what computes, and the report of what was taken. */
import { type InitOptions, info, init } from 'quantgrad';
import type { EngineChoice, EngineReport } from '../protocol.js';

const MOST = 64;

const isIsolated = (): boolean => globalThis.crossOriginIsolated === true;

const mostThreads = (): number => (isIsolated() ? Math.min(navigator.hardwareConcurrency || 1, MOST) : 1);

function options({ backend, gpuMode, threads, mode }: EngineChoice): InitOptions {
  // A number that was set before stays set, so the default is said, too.
  const common = { backend, threads: threads ?? mostThreads() };
  if (backend === 'gpujs') return { ...common, gpuMode: gpuMode ?? 'gpu' };
  if (backend === 'reference') return common;
  return { ...common, mode: mode ?? 'portable' };
}

/**
 * Makes an engine the one that new networks are on. If that fails, the present one stays.
 * @throws BackendError, ValidationError as `init` does
 */
export async function chooseEngine(choice: EngineChoice): Promise<EngineReport> {
  await init(options(choice));
  const { backend, mode, threads, reasons } = info();
  return {
    choice,
    backend,
    mode,
    threads,
    mostThreads: mostThreads(),
    crossOriginIsolated: isIsolated(),
    // Why a backend is what was asked for needs no words.
    reasons: choice.backend === 'auto' ? [reasons.backend] : [],
  };
}

/** What every browser has, where what was chosen is not to be had: WebAssembly, or plain TypeScript. */
export const chooseProcessor = (): Promise<EngineReport> =>
  chooseEngine({ backend: 'wasm' }).catch(() => chooseEngine({ backend: 'reference' }));
