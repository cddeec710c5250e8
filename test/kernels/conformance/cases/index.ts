/** The conformance cases of every kernel; a kernel of the contract without an entry does not compile. */
import type { KernelCases } from '../kernelCase.js';
import { ELEMENTWISE_CASES } from './elementwise.js';
import { INDEXING_CASES } from './indexing.js';
import { NN_CASES } from './nn.js';
import { QUANTIZATION_CASES } from './quantization.js';

export const KERNEL_CASES: KernelCases = {
  ...ELEMENTWISE_CASES,
  ...INDEXING_CASES,
  ...NN_CASES,
  ...QUANTIZATION_CASES,
};
