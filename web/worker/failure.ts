/** Errors in words for a visitor. The library's typed errors are for programmers, but most say what a visitor needs, too. */
import { QuantGradError } from 'quantgrad';
import type { Failure } from '../protocol.js';

/** Instead of advice on what to program. */
const WORDS: Readonly<Record<string, string>> = {
  DEVICE_LOST: 'The graphics card was taken away from this page: it was reset, or other programs needed it.',
  OUT_OF_GPU_MEMORY: 'The graphics card has no memory left for this.',
  WASM_SIMD_MISSING: 'This browser has no WebAssembly SIMD, which the fast calculations need.',
};

export function describeFailure(error: unknown): Failure {
  if (error instanceof QuantGradError) return { code: error.code, message: WORDS[error.code] ?? error.message };
  const reason = error instanceof Error ? error.message : String(error);
  return { code: 'UNEXPECTED', message: `Something unexpected went wrong: ${reason}` };
}
