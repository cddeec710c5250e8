/** The reference backend against the naive definitions, and the completeness of the suite itself. */
import { describe, expect, it } from 'vitest';
import { ReferenceBackend } from '../../../src/kernels/reference/backend.js';
import { REFERENCE_KERNELS } from '../../../src/kernels/reference/kernels.js';
import { NAIVE_KERNELS } from '../naiveKernels.js';
import { KERNEL_CASES } from './cases/index.js';
import { describeBackend } from './suite.js';

describeBackend('reference', async () => new ReferenceBackend(), {
  expected: (kernel, inputs, attributes, outputs) => NAIVE_KERNELS[kernel](inputs, attributes, outputs),
});

describe('the conformance suite', () => {
  it('has cases for every kernel, and only for kernels', () => {
    expect(Object.keys(KERNEL_CASES).sort()).toEqual(Object.keys(REFERENCE_KERNELS).sort());
    for (const [kernel, cases] of Object.entries(KERNEL_CASES)) {
      expect(cases.length, kernel).toBeGreaterThan(0);
      expect(new Set(cases.map((each) => each.name)).size, `${kernel}: names of cases`).toBe(cases.length);
    }
  });
});
