/** The reference kernels of neural networks' layers: products, convolution, pooling, normalisation, resizing. */
import { conv2d, conv2dInputGradient } from './convolution.js';
import { interpolate } from './interpolate.js';
import type { ReferenceKernels } from './kernel.js';
import { matMul } from './matMul.js';
import { batchNormInference, mvn } from './normalization.js';
import { adaptiveAvgPool2d, avgPool2d, maxPool2d } from './pooling.js';
import { logSoftmax, softmax } from './softmax.js';

export const NN_KERNELS = {
  conv2d,
  // Transposed convolution too.
  conv2dInputGradient,
  matMul,
  maxPool2d,
  avgPool2d,
  adaptiveAvgPool2d,
  batchNormInference,
  softmax,
  logSoftmax,
  mvn,
  interpolate,
} as const satisfies Partial<ReferenceKernels>;
