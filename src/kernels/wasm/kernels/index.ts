/** The WebAssembly kernels there are; the others run as reference kernels. */
import type { WasmKernels } from '../kernel.js';
import { binary, broadcast, clamp, convert, select, unary } from './elementwise.js';

export const WASM_KERNELS: WasmKernels = { unary, binary, clamp, select, convert, broadcast };
