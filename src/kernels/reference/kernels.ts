/** The reference kernels that there are: those that running models needs, and those that were added. */
import { BackendError } from '../../errors.js';
import type { KernelName } from '../contract.js';
import * as elementwise from './elementwise.js';
import { fakeQuantize, fakeQuantizeCodes, fakeQuantizeOpenvino } from './fakeQuantize.js';
import * as indexing from './indexing.js';
import type { ReferenceKernel, ReferenceKernels } from './kernel.js';
import * as layout from './layout.js';
import { NN_KERNELS } from './nn.js';
import * as reduction from './reduction.js';

const kernels: { [K in KernelName]?: ReferenceKernel<K> } = {
  ...elementwise,
  ...reduction,
  ...layout,
  ...indexing,
  ...NN_KERNELS,
  ...{ fakeQuantize, fakeQuantizeCodes, fakeQuantizeOpenvino },
};

/** Reference kernels by name. */
export const REFERENCE_KERNELS: Partial<ReferenceKernels> = kernels;

export const addReferenceKernels = (added: Partial<ReferenceKernels>): void => void Object.assign(kernels, added);

/** @throws BackendError `UNKNOWN_KERNEL` for one that was not added */
export function referenceKernel<K extends KernelName>(name: K): ReferenceKernel<K> {
  const kernel = kernels[name] as ReferenceKernel<K> | undefined;
  if (kernel) return kernel;
  throw new BackendError('UNKNOWN_KERNEL', `The kernel '${name}' is for training, and was run before it was added.`, {
    kernel: name,
  });
}
