/**
 * The GPU.js backend against the reference kernels, in the modes that run in Node. WebGL 2 and
 * WebGPU need a browser: `npm run test:gpu` runs the same cases there.
 */
import { DTYPES } from '../../../src/kernels/dtype.js';
import { GpuJsBackend, type GpuJsOptions } from '../../../src/kernels/gpujs/backend.js';
import type { GpuJsMode } from '../../../src/kernels/gpujs/library.js';
import { GPU_JS_TOLERANCE } from './gpujsTolerance.js';
import { describeBackend } from './suite.js';

const SETTINGS: readonly (GpuJsOptions & { readonly mode: GpuJsMode })[] = [
  { mode: 'cpu' },
  { mode: 'webasm' },
  { mode: 'webasm', asynchronous: true },
];

for (const { mode, asynchronous = false } of SETTINGS) {
  describeBackend(
    `gpujs ${mode}${asynchronous ? ', asynchronous' : ''}`,
    () => GpuJsBackend.create({ mode, asynchronous }),
    {
      // No float64: these backends do not have it.
      dtypes: DTYPES.filter((dtype) => dtype !== 'float64'),
      tolerance: GPU_JS_TOLERANCE[mode],
      dispose: (backend) => (backend as GpuJsBackend).dispose(),
    },
  );
}
