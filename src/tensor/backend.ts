/** Which backend new tensors live on. */
import { BackendError } from '../errors.js';
import type { Backend } from '../kernels/contract.js';
import { ReferenceBackend } from '../kernels/reference/backend.js';

const reference = new ReferenceBackend();
let current: Backend = reference;

/** The reference backend, which always exists. */
export const referenceBackend = (): Backend => reference;

/** The backend that new tensors are placed on. */
export const defaultBackend = (): Backend => current;

export function setDefaultBackend(backend: Backend): void {
  current = backend;
}

/** Runs `body` with another default backend. */
export function withBackend<T>(backend: Backend, body: () => T): T {
  const previous = current;
  current = backend;
  try {
    return body();
  } finally {
    current = previous;
  }
}

export interface InitOptions {
  /**
   * `reference` (default): plain TypeScript. `wasm`: WebAssembly SIMD kernels and planned execution. `gpujs`: hand-written GPU.js kernels, with the plain
   * TypeScript ones for what they do not cover.
   */
  backend?: 'reference' | 'wasm' | 'gpujs';
  /** GPU.js mode: `gpu` (default: WebGL2 where there is one, else WebAssembly), `webgl2`, `webgpu`, `webasm` or `cpu`. */
  mode?: 'gpu' | 'webgl2' | 'webgpu' | 'webasm' | 'cpu';
}

/** Chooses the backend for tensors created from now on. Optional: without it they use the reference backend. */
export async function init(options: InitOptions = {}): Promise<Backend> {
  const { backend = 'reference', mode = 'gpu' } = options;
  if (backend === 'reference') current = reference;
  else if (backend === 'wasm') {
    const { WasmBackend } = await import('../kernels/wasm/backend.js');
    current = WasmBackend.create();
  } else if (backend === 'gpujs') {
    const { GpuJsBackend } = await import('../kernels/gpujs/backend.js');
    current = await GpuJsBackend.create({ mode });
  } else {
    throw new BackendError(
      'UNKNOWN_BACKEND',
      `There is no backend '${String(backend)}'. Use 'reference', 'wasm' or 'gpujs'.`,
      {
        backend,
      },
    );
  }
  return current;
}
