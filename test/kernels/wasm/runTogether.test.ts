/** Calls that run as one piece of work give what they give one by one. */
import { describe, expect, it } from 'vitest';
import type { KernelCall } from '../../../src/kernels/contract.js';
import type { DType } from '../../../src/kernels/dtype.js';
import { addTrainingKernels } from '../../../src/kernels/trainingKernels.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';

addTrainingKernels();

const ATTRIBUTES = { learningRate: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0.01, nesterov: false, first: false };

/** Updates of parameters of several lengths: fewer than a vector, shared by threads, and none at all. */
function updates(backend: WasmBackend, dtypes: readonly DType[]): KernelCall<'sgdUpdate'>[] {
  return [3, 40_000, 1, 0, 4096, 100_001].map((length, index) => {
    const type = { shape: [length], dtype: dtypes[index % dtypes.length] };
    const valuesOf = (factor: number): number[] => Array.from({ length }, (_, at) => Math.sin(factor * at + index));
    const inputs = [1, 2, 3].map((factor) => ({
      ...type,
      storage: backend.upload(
        type.dtype === 'float64' ? Float64Array.from(valuesOf(factor)) : Float32Array.from(valuesOf(factor)),
        type.dtype,
      ),
    }));
    return { kernel: 'sgdUpdate', inputs, attributes: ATTRIBUTES, outputs: [type, type] };
  });
}

describe('calls that run together', () => {
  for (const threads of [1, 3]) {
    for (const dtypes of [['float32'], ['float32', 'float64']] as const) {
      it(`of ${dtypes.join(' and ')} give the same bits on ${threads} threads`, async () => {
        const backend = WasmBackend.create({ threads, minimumShared: 1024 });
        await backend.setThreads(threads);
        const calls = updates(backend, dtypes);
        const together = backend.runTogether(calls);
        const single = calls.map(({ kernel, inputs, attributes, outputs }) =>
          backend.run(kernel, inputs, attributes, outputs),
        );
        const read = (results: typeof single) =>
          results.map((each) => each.map((one) => backend.readSync(one).slice()));
        expect(read(together)).toEqual(read(single));
        await backend.dispose();
      });
    }
  }
});
