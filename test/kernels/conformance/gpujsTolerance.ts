/**
 * How closely GPU.js must agree with the reference kernels, by mode. Kernels without a program of
 * their own are reference kernels there too and agree exactly.
 *
 * Sums: the reference adds in double precision. GPU.js does so too in `cpu`, and in float32 elsewhere.
 * Fake-quantize: all modes round in the reference's order, so that results are equal; a GPU whose
 * compiler fuses a multiplication with an addition may move a tie by one quantum.
 */
import type { GpuJsMode } from '../../../src/kernels/gpujs/library.js';
import type { ConformanceOptions } from './suite.js';

type Tolerances = NonNullable<ConformanceOptions['tolerance']>;

const EXACT = { absolute: 0, relative: 0 };
const ULPS = { absolute: 1e-7, relative: 3e-7 };
const FLOAT32_SUMS = { absolute: 1e-5, relative: 1e-5 };

const FLOAT32: Tolerances = {
  matMul: FLOAT32_SUMS,
  conv2d: FLOAT32_SUMS,
  conv2dInputGradient: FLOAT32_SUMS,
  conv2dFilterGradient: FLOAT32_SUMS,
  avgPool2d: FLOAT32_SUMS,
  avgPool2dGradient: FLOAT32_SUMS,
  adaptiveAvgPool2d: FLOAT32_SUMS,
  adaptiveAvgPool2dGradient: FLOAT32_SUMS,
  batchNorm: FLOAT32_SUMS,
  batchNormStatistics: FLOAT32_SUMS,
  batchNormInference: FLOAT32_SUMS,
  batchNormGradient: FLOAT32_SUMS,
  mvn: FLOAT32_SUMS,
  mvnGradient: FLOAT32_SUMS,
  interpolate: FLOAT32_SUMS,
  interpolateGradient: FLOAT32_SUMS,
  fakeQuantize: EXACT,
  fakeQuantizeGradient: FLOAT32_SUMS,
  sgdUpdate: ULPS,
  default: ULPS,
};

export const GPU_JS_TOLERANCE: Readonly<Record<GpuJsMode, Tolerances>> = {
  cpu: { ...FLOAT32, matMul: ULPS, conv2d: ULPS },
  webasm: FLOAT32,
  webgl2: FLOAT32,
  webgpu: FLOAT32,
};
