/**
 * Loads GPU.js, and says in which of its modes it can work here. Loading is dynamic: a program that
 * never asks for this backend never reads the bundle's 600 kB.
 */
import { BackendError } from '../../errors.js';
import type { GpuConstructor } from './types.js';

/** GPU.js's modes that this backend runs in. */
export type GpuJsMode = 'cpu' | 'webasm' | 'webgl2' | 'webgpu';

export const GPU_JS_MODES = ['cpu', 'webasm', 'webgl2', 'webgpu'] as const satisfies readonly GpuJsMode[];

/** Loads the bundled GPU.js. Throws `BackendError` if the bundle is missing. */
export async function loadGpuJs(): Promise<GpuConstructor> {
  try {
    return (await import('./vendor/gpu.js')).GPU;
  } catch (cause) {
    throw new BackendError(
      'LIBRARY_MISSING',
      'The bundled GPU.js cannot be loaded. In a checkout, make it with `npm run prepare`; ' +
        'in an installed package, install quantgrad again.',
      {},
      cause,
    );
  }
}

/** GPU.js's `cpu` mode makes functions from text, which a Content-Security-Policy can forbid. */
function canGenerateCode(): boolean {
  try {
    return new Function('return true')() === true;
  } catch {
    return false;
  }
}

/** Why `mode` cannot run here; undefined if it can. */
async function whyUnavailable(GPU: GpuConstructor, mode: GpuJsMode): Promise<string | undefined> {
  switch (mode) {
    case 'cpu':
      return canGenerateCode()
        ? undefined
        : 'generating code from text is forbidden here (Content-Security-Policy or an engine flag)';
    case 'webasm':
      return GPU.isWebAssemblySupported ? undefined : 'there is no WebAssembly here';
    case 'webgl2':
      if (!GPU.isWebGL2Supported) {
        return 'there is no WebGL 2 here';
      }
      return GPU.isSinglePrecisionSupported ? undefined : 'this WebGL 2 cannot render to float textures';
    case 'webgpu':
      return (await GPU.isWebGPUAvailable()) ? undefined : 'there is no WebGPU adapter here';
  }
}

/**
 * The mode to use for `requested`; `gpu` means WebGL 2 where it works, else WebAssembly, else
 * generated JavaScript. Throws `BackendError` if the requested mode cannot run here.
 */
export async function resolveMode(GPU: GpuConstructor, requested: GpuJsMode | 'gpu'): Promise<GpuJsMode> {
  const candidates: readonly GpuJsMode[] = requested === 'gpu' ? ['webgl2', 'webasm', 'cpu'] : [requested];
  const reasons: string[] = [];
  for (const mode of candidates) {
    const reason = GPU_JS_MODES.includes(mode)
      ? await whyUnavailable(GPU, mode)
      : `the modes are ${GPU_JS_MODES.join(', ')} and gpu`;
    if (reason === undefined) {
      return mode;
    }
    reasons.push(`${mode}: ${reason}`);
  }
  throw new BackendError(
    'MODE_UNAVAILABLE',
    `GPU.js cannot run in mode '${requested}' (${reasons.join('; ')}). Choose another mode, or 'gpu' for the best one here.`,
    { mode: requested },
  );
}
