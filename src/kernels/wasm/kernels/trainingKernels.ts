/** The WebAssembly kernels that only training needs. */
import type { TrainingKernelName } from '../../contract.js';
import type { WasmKernels } from '../kernel.js';
import { adaptiveAvgPool2dGradient, avgPool2dGradient } from './averagePool.js';
import { batchNorm, batchNormGradient, batchNormStatistics } from './batchNorm.js';
import { conv2dFilterGradient } from './conv2dFilterGradient.js';
import { fakeQuantizeGradient } from './fakeQuantizeGradient.js';
import { maxPool2dGradient } from './maxPool.js';
import { mvnGradient } from './mvn.js';
import { adamUpdate, rmspropUpdate, sgdUpdate } from './optimizer.js';
import { rowKernel } from './rowKernel.js';
import { addRowKernels } from './rowKernels.js';

/** Of those, the ones that a loop over rows can do. */
export const addRowTrainingKernels = (): void => addRowKernels({ fakeQuantizeGradient });

export const WASM_TRAINING_KERNELS: Pick<WasmKernels, TrainingKernelName> = {
  ...{ batchNorm, batchNormStatistics, batchNormGradient, mvnGradient },
  ...{ conv2dFilterGradient, maxPool2dGradient, avgPool2dGradient, adaptiveAvgPool2dGradient },
  ...{ sgdUpdate, adamUpdate, rmspropUpdate },
  fakeQuantizeGradient: rowKernel('fakeQuantizeGradient'),
};
