/**
 * How closely GPU.js must agree with the reference kernels, by mode. Kernels without a program of
 * their own are reference kernels there too and agree exactly.
 *
 * Sums: the reference adds in double precision. GPU.js does so too in `cpu`, and in float32 elsewhere.
 * The gradients of padding and gathering are such sums. Sums that are shared out over threads (of filters' gradients, of long
 * products, of a channel's statistics) are rounded once more per chunk, also in `cpu`.
 * Averages, normalizations and resizing: a few terms, or terms about their mean, whose sum is no larger than they are; then a
 * division or a square root. Their gradients: sums of many terms. A resized pixel is always from the reference's pixels; its
 * weights are quotients of whole numbers, exact but for their rounding, save where the factor is no fraction of small ones.
 * NaN and infinities: all modes carry them here. Neither shading language promises that; where a GPU's compiler assumes that
 * they do not occur, the results of the cases named after them are undefined, and those of all others are not.
 * Fake-quantize: all modes round in the reference's order, so that results are equal; a GPU whose
 * compiler fuses a multiplication with an addition may move a tie by one quantum.
 */
import type { GpuJsMode } from '../../../src/kernels/gpujs/library.js';
import type { ConformanceOptions } from './suite.js';

type Tolerances = NonNullable<ConformanceOptions['tolerance']>;

const EXACT = { absolute: 0, relative: 0 };
const ULPS = { absolute: 1e-7, relative: 3e-7 };
const FLOAT32_SUMS = { absolute: 1e-5, relative: 1e-5 };
const FLOAT32_AVERAGES = { absolute: 1e-6, relative: 1e-6 };
/**
 * Functions by polynomials whose terms are rounded to float32 (in `cpu` they are doubles), with divisions and square roots,
 * which WGSL and GLSL let a GPU have off by 2.5 units in the last place. Powers with a broken exponent b lose 1e-7 b ln a more.
 */
const FUNCTIONS = { absolute: 1e-7, relative: 1e-6 };

/** Kernels whose results are elements of their inputs. */
const MOVEMENT = [
  'maxPool2d',
  'select',
  'clamp',
  'convert',
  'broadcast',
  'transpose',
  'concat',
  'slice',
  'sliceGradient',
  'pad',
  'gather',
  'gatherElements',
] as const;

const FLOAT32: Tolerances = {
  matMul: FLOAT32_SUMS,
  conv2d: FLOAT32_SUMS,
  conv2dInputGradient: FLOAT32_SUMS,
  conv2dFilterGradient: FLOAT32_SUMS,
  maxPool2dGradient: FLOAT32_AVERAGES,
  avgPool2d: FLOAT32_AVERAGES,
  avgPool2dGradient: FLOAT32_AVERAGES,
  adaptiveAvgPool2d: FLOAT32_AVERAGES,
  adaptiveAvgPool2dGradient: FLOAT32_AVERAGES,
  batchNorm: FLOAT32_AVERAGES,
  batchNormStatistics: FLOAT32_AVERAGES,
  batchNormInference: FLOAT32_AVERAGES,
  batchNormGradient: FLOAT32_SUMS,
  mvn: FLOAT32_AVERAGES,
  mvnGradient: FLOAT32_SUMS,
  interpolate: FLOAT32_AVERAGES,
  interpolateGradient: FLOAT32_SUMS,
  fakeQuantize: EXACT,
  fakeQuantizeGradient: FLOAT32_SUMS,
  // Code times step plus the lower end: near zero the two cancel, and one unit in the last place of the ends is left.
  fakeQuantizeOpenvino: FLOAT32_AVERAGES,
  sgdUpdate: ULPS,
  adamUpdate: FUNCTIONS,
  rmspropUpdate: FUNCTIONS,
  unary: FUNCTIONS,
  binary: FUNCTIONS,
  elu: FUNCTIONS,
  softmax: FUNCTIONS,
  logSoftmax: FUNCTIONS,
  reduce: FLOAT32_SUMS,
  gatherGradient: FLOAT32_SUMS,
  gatherElementsGradient: FLOAT32_SUMS,
  padGradient: FLOAT32_SUMS,
  ...Object.fromEntries(MOVEMENT.map((kernel) => [kernel, EXACT])),
  default: ULPS,
};

export const GPU_JS_TOLERANCE: Readonly<Record<GpuJsMode, Tolerances>> = {
  cpu: {
    ...FLOAT32,
    matMul: FLOAT32_AVERAGES,
    conv2d: ULPS,
    conv2dInputGradient: FLOAT32_AVERAGES,
    conv2dFilterGradient: FLOAT32_AVERAGES,
    avgPool2d: ULPS,
    avgPool2dGradient: ULPS,
    adaptiveAvgPool2d: ULPS,
    adaptiveAvgPool2dGradient: ULPS,
    batchNormInference: ULPS,
    interpolate: ULPS,
    unary: ULPS,
    binary: ULPS,
    elu: ULPS,
    softmax: ULPS,
    logSoftmax: ULPS,
    fakeQuantizeOpenvino: EXACT,
    adamUpdate: ULPS,
    rmspropUpdate: ULPS,
  },
  webasm: FLOAT32,
  webgl2: FLOAT32,
  webgpu: FLOAT32,
};
