/** Runs a kernel on GPU.js, where it must not fall back to the host, and compares it with the reference kernel. */
import { expect } from 'vitest';
import type { KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import type { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';

export interface KernelRun<K extends KernelName> {
  readonly kernel: K;
  readonly inputs: readonly HostOperand[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly TensorType[];
}

/**
 * Every element may be off by `tolerance` * (1 + |expected|). Gives the launches that the run took.
 * Leaves nothing on the backend.
 */
export function expectAsReference<K extends KernelName>(
  backend: GpuJsBackend,
  { kernel, inputs, attributes, outputs }: KernelRun<K>,
  tolerance: number,
): number {
  const expected = runReferenceKernel(kernel, inputs, attributes, outputs);
  const operands = inputs.map(({ shape, dtype, values }) => ({
    shape,
    dtype,
    storage: backend.upload(values.slice(), dtype),
  }));
  const before = backend.info();
  const results = backend.run(kernel, operands, attributes, outputs);
  const after = backend.info();
  expect(after.fallbacks, `${kernel} ran on the host`).toEqual(before.fallbacks);
  results.forEach((result, output) => {
    const values = backend.readSync(result);
    expect(values.length).toBe(expected[output].length);
    for (let index = 0; index < values.length; index++) {
      const [got, want] = [values[index], expected[output][index]];
      if (!(Object.is(got, want) || got === want || Math.abs(got - want) <= tolerance * (1 + Math.abs(want)))) {
        expect.fail(
          `output ${output}[${index}] of ${kernel} ${JSON.stringify(attributes)} is ${got}, expected ${want}`,
        );
      }
    }
  });
  for (const storage of [...results, ...operands.map((operand) => operand.storage)]) {
    backend.release(storage);
  }
  return (after.launches[kernel] ?? 0) - (before.launches[kernel] ?? 0);
}
