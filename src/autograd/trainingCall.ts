/** Calls of kernels that only training needs. Apart from other calls, so that inference does without those kernels. */
import type { KernelAttributes, TrainingKernelName } from '../kernels/contract.js';
import { addTrainingKernels } from '../kernels/trainingKernels.js';
import type { KernelCall } from './operation.js';

/** As `kernelCall`, of a kernel for training, which it makes known to the backends. */
export function trainingCall<K extends TrainingKernelName>(
  kernel: K,
  attributes: KernelAttributes[K],
  shapes: Pick<KernelCall, 'inputShapes' | 'outputShapes'> = {},
): KernelCall {
  addTrainingKernels();
  return { kernel, attributes, ...shapes } as KernelCall;
}
