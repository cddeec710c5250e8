/** The reference kernels of neural networks' layers: products, convolution, pooling, normalisation, resizing. */
import { conv2d, conv2dFilterGradient, conv2dInputGradient } from './convolution.js';
import { interpolate, interpolateGradient } from './interpolate.js';
import type { ReferenceKernels } from './kernel.js';
import { matMul } from './matMul.js';
import {
  batchNorm,
  batchNormGradient,
  batchNormInference,
  batchNormStatistics,
  mvn,
  mvnGradient,
} from './normalization.js';
import {
  adaptiveAvgPool2d,
  adaptiveAvgPool2dGradient,
  avgPool2d,
  avgPool2dGradient,
  maxPool2d,
  maxPool2dGradient,
} from './pooling.js';
import { logSoftmax, softmax } from './softmax.js';

export const NN_KERNELS = {
  conv2d,
  conv2dInputGradient,
  conv2dFilterGradient,
  matMul,
  maxPool2d,
  maxPool2dGradient,
  avgPool2d,
  avgPool2dGradient,
  adaptiveAvgPool2d,
  adaptiveAvgPool2dGradient,
  batchNorm,
  batchNormStatistics,
  batchNormInference,
  batchNormGradient,
  softmax,
  logSoftmax,
  mvn,
  mvnGradient,
  interpolate,
  interpolateGradient,
} as const satisfies Partial<ReferenceKernels>;
