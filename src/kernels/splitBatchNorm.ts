/**
 * Batch normalisation in two steps, statistics and the pass that normalises. The pass is elementwise: it can be joined
 * with the steps around it, and what it computes need not be kept for the backward part.
 */
import { isKernelStep, type KernelStep, type ProgramBuffer, type ProgramStep } from './program.js';

/** Makes buffers that no recorder made. */
export class NewBuffers {
  #last = 0;

  /** A buffer like `model`, with an id below zero: a recorder counts from zero. */
  like({ dtype, length }: Pick<ProgramBuffer, 'dtype' | 'length'>): ProgramBuffer {
    return { id: --this.#last, origin: 'computed', dtype, length };
  }
}

/** The same steps with each `batchNorm` as two. */
export function splitBatchNorm(steps: readonly ProgramStep[], buffers: NewBuffers): ProgramStep[] {
  return steps.flatMap((step) => (isKernelStep(step) && isBatchNorm(step) ? split(step, buffers) : [step]));
}

const isBatchNorm = (step: KernelStep): step is KernelStep<'batchNorm'> => step.kernel === 'batchNorm';

function split({ inputs: [x, gamma, beta], attributes, outputs }: KernelStep<'batchNorm'>, buffers: NewBuffers) {
  const [y, mean, variance] = outputs;
  const shift = { ...beta, buffer: buffers.like(beta.buffer) };
  const statistics: KernelStep<'batchNormStatistics'> = {
    kernel: 'batchNormStatistics',
    inputs: [x, gamma, beta],
    attributes,
    outputs: [mean, variance, shift],
  };
  const normalize: KernelStep<'batchNormInference'> = {
    kernel: 'batchNormInference',
    inputs: [x, gamma, shift, mean, variance],
    attributes,
    outputs: [y],
  };
  return [statistics, normalize];
}
