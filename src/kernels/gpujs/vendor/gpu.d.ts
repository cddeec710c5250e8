/** Types of the bundle that scripts/bundle-gpujs.mjs writes beside this file. */
import type { GpuConstructor } from '../types.js';

export declare const GPU: GpuConstructor;
