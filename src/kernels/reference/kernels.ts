/** All reference kernels by name. */
import * as elementwise from './elementwise.js';
import * as fakeQuantize from './fakeQuantize.js';
import * as indexing from './indexing.js';
import type { ReferenceKernels } from './kernel.js';
import * as layout from './layout.js';
import { NN_KERNELS } from './nn.js';
import * as optimizer from './optimizer.js';
import * as reduction from './reduction.js';

export const REFERENCE_KERNELS: ReferenceKernels = {
  ...elementwise,
  ...reduction,
  ...layout,
  ...indexing,
  ...NN_KERNELS,
  ...fakeQuantize,
  ...optimizer,
};
