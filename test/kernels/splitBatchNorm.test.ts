/** A batch normalisation in two steps computes the same. */
import { describe, expect, it } from 'vitest';
import { NewBuffers } from '../../src/kernels/newBuffers.js';
import { optimizeProgram } from '../../src/kernels/optimizeProgram.js';
import { isKernelStep, RecordingBackend } from '../../src/kernels/program.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { splitBatchNorm } from '../../src/kernels/splitBatchNorm.js';
import { kernelsOf as kernels } from './recorder.js';

/** A batch normalisation with an epsilon for each of its results. */
function record(epsilons: readonly number[]) {
  const backend = new RecordingBackend(new ReferenceBackend());
  const type = (shape: readonly number[]) => ({ shape, dtype: 'float32' as const });
  const [x, gamma, beta] = [[4, 3, 2], [3], [3]].map((shape) => ({
    ...type(shape),
    storage: backend.external(
      'float32',
      shape.reduce((product, extent) => product * extent),
    ),
  }));
  const results = epsilons.flatMap((epsilon) =>
    backend.run('batchNorm', [x, gamma, beta], { epsilon }, [type([4, 3, 2]), type([3]), type([3])]),
  );
  return { steps: backend.steps, inputs: [x, gamma, beta].map(({ storage }) => storage), results };
}

describe('splitBatchNorm', () => {
  it('makes two steps of one, on buffers that no recorder makes', () => {
    const { steps } = record([1e-3, 1e-5]);
    const split = splitBatchNorm(steps, new NewBuffers());
    expect(kernels(split)).toEqual([
      'batchNormStatistics',
      'batchNormInference',
      'batchNormStatistics',
      'batchNormInference',
    ]);
    const shifts = [split[0], split[2]].map((step) => isKernelStep(step) && step.outputs[2].buffer.id);
    expect(new Set(shifts).size).toBe(2);
    expect(shifts.every((id) => typeof id === 'number' && id < 0)).toBe(true);
  });

  it('happens in every program that is optimized, where equal statistics are shared', () => {
    const { steps, inputs, results } = record([1e-3, 1e-3]);
    const backward = { steps: [], gradients: [], inputGradients: [] };
    const { program } = optimizeProgram({ steps, inputs, results, backward });
    expect(kernels(program.steps)).toEqual(['batchNormStatistics', 'batchNormInference']);
  });
});
