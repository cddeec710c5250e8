/** The kernel cases of test/kernels/conformance, run on a backend and compared with the reference kernels. */
import type { KernelName } from '../../src/kernels/contract.js';
import { isFloating } from '../../src/kernels/dtype.js';
import type { GpuJsBackend } from '../../src/kernels/gpujs/backend.js';
import { NATIVE_KERNELS } from '../../src/kernels/gpujs/kernels/index.js';
import { runReferenceKernel } from '../../src/kernels/reference/backend.js';
import { addTrainingKernels } from '../../src/kernels/trainingKernels.js';
import { KERNEL_CASES } from '../kernels/conformance/cases/index.js';
import { GPU_JS_TOLERANCE } from '../kernels/conformance/gpujsTolerance.js';
import { type KernelCase, randomOf } from '../kernels/conformance/kernelCase.js';
import type { Tolerance } from '../kernels/conformance/suite.js';
import { check, collect, type Outcome } from './outcome.js';

// Operations would add these; here kernels are named directly.
addTrainingKernels();

/** Fails if more elements than allowed miss the tolerance; gives the largest error of those that meet it. */
export function compare(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance): number {
  check(actual.length === expected.length, `${actual.length} elements instead of ${expected.length}`);
  const misses: string[] = [];
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const [got, want] = [actual[index], expected[index]];
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(want);
    if (Object.is(got, want) || got === want) {
      continue;
    }
    const error = Math.abs(got - want);
    if (error <= allowed) {
      largest = Math.max(largest, error);
    } else {
      misses.push(`[${index}] is ${got}, expected ${want}`);
    }
  }
  const allowedMisses = Math.floor((tolerance.outliers ?? 0) * expected.length);
  check(
    misses.length <= allowedMisses,
    `${misses.length} of ${expected.length} are off: ${misses.slice(0, 5).join('; ')}`,
  );
  return largest;
}

async function runCase<K extends KernelName>(
  backend: GpuJsBackend,
  kernel: K,
  kernelCase: KernelCase<K>,
): Promise<number> {
  const tolerances = GPU_JS_TOLERANCE[backend.mode];
  const inputs = kernelCase.inputs(randomOf(kernel, kernelCase.name));
  const expected = runReferenceKernel(kernel, inputs, kernelCase.attributes, kernelCase.outputs);
  const operands = inputs.map(({ shape, dtype, values }) => ({
    shape,
    dtype,
    storage: backend.upload(values.slice(), dtype),
  }));
  const results = backend.run(kernel, operands, kernelCase.attributes, kernelCase.outputs);
  check(results.length === expected.length, `${results.length} outputs instead of ${expected.length}`);
  let largest = 0;
  for (const [index, result] of results.entries()) {
    const chosen = tolerances[kernel] ?? tolerances.default;
    const tolerance = chosen && { ...chosen, absolute: chosen.absolute * (kernelCase.magnitude ?? 1) };
    const exact = { absolute: 0, relative: 0 };
    const allowed = isFloating(result.dtype) ? (tolerance ?? exact) : exact;
    const error = compare(await backend.read(result), expected[index], allowed);
    largest = Math.max(largest, error);
  }
  for (const storage of [...results, ...operands.map((operand) => operand.storage)]) {
    backend.release(storage);
  }
  return largest;
}

/** Runs all cases of the kernels that are `wanted`, with notes on how exact the native ones were. */
export async function runConformance(
  backend: GpuJsBackend,
  outcome: Outcome,
  wanted: (kernel: string) => boolean,
): Promise<void> {
  for (const kernel of Object.keys(KERNEL_CASES) as KernelName[]) {
    if (!wanted(kernel)) continue;
    let largest = 0;
    const run = async <K extends KernelName>(name: K, kernelCase: KernelCase<K>): Promise<void> => {
      await collect(outcome, `${name}: ${kernelCase.name}`, async () => {
        largest = Math.max(largest, await runCase(backend, name, kernelCase));
      });
    };
    for (const kernelCase of KERNEL_CASES[kernel]) {
      await run(kernel, kernelCase as KernelCase<typeof kernel>);
    }
    if (NATIVE_KERNELS.includes(kernel)) {
      const { launches } = backend.info();
      outcome.notes.push(`${kernel}: ${launches[kernel] ?? 0} launches, largest error ${largest.toExponential(1)}`);
      await collect(outcome, `${kernel} ran on the device`, async () => {
        check((launches[kernel] ?? 0) > 0, 'it was never launched');
      });
    }
  }
}
