/**
 * Batch normalisation in two steps, statistics and the pass that normalises. The pass is elementwise: it can be joined
 * with the steps around it, and what it computes need not be kept for the backward part.
 */
import type { NewBuffers } from './newBuffers.js';
import { isKernelStep, type KernelStep, type ProgramStep } from './program.js';
import { addTrainingKernels } from './trainingKernels.js';

/** The same steps with each `batchNorm` as two. */
export function splitBatchNorm(steps: readonly ProgramStep[], buffers: NewBuffers): ProgramStep[] {
  return steps.flatMap((step) => (isKernelStep(step) && isBatchNorm(step) ? split(step, buffers) : [step]));
}

const isBatchNorm = (step: KernelStep): step is KernelStep<'batchNorm'> => step.kernel === 'batchNorm';

function split(step: KernelStep<'batchNorm'>, buffers: NewBuffers): KernelStep[] {
  const {
    inputs: [x, gamma, beta],
    attributes,
    outputs,
    label,
  } = step;
  const [y, mean, variance] = outputs;
  addTrainingKernels();
  const shift = { ...beta, buffer: buffers.like(beta.buffer) };
  const statistics: KernelStep<'batchNormStatistics'> = {
    kernel: 'batchNormStatistics',
    inputs: [x, gamma, beta],
    attributes,
    outputs: [mean, variance, shift],
    label,
  };
  const normalize: KernelStep<'batchNormInference'> = {
    kernel: 'batchNormInference',
    inputs: [x, gamma, shift, mean, variance],
    attributes,
    outputs: [y],
    label,
  };
  return [statistics, normalize];
}
