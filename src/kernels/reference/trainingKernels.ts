/** The reference kernels that only training needs. */
import type { TrainingKernelName } from '../contract.js';
import { conv2dFilterGradient } from './convolution.js';
import { fakeQuantizeGradient } from './fakeQuantize.js';
import { interpolateGradient } from './interpolate.js';
import type { ReferenceKernels } from './kernel.js';
import { batchNorm, batchNormGradient, batchNormStatistics, mvnGradient } from './normalization.js';
import { adamUpdate, rmspropUpdate, sgdUpdate } from './optimizer.js';
import { adaptiveAvgPool2dGradient, avgPool2dGradient, maxPool2dGradient } from './pooling.js';

export const REFERENCE_TRAINING_KERNELS: Pick<ReferenceKernels, TrainingKernelName> = {
  conv2dFilterGradient,
  maxPool2dGradient,
  avgPool2dGradient,
  adaptiveAvgPool2dGradient,
  batchNorm,
  batchNormStatistics,
  batchNormGradient,
  mvnGradient,
  interpolateGradient,
  fakeQuantizeGradient,
  sgdUpdate,
  adamUpdate,
  rmspropUpdate,
};
