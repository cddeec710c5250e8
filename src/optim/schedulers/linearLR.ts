/** LinearLR: the rate grows (or falls) along a line, as in a warm-up. */
import { requireFraction, requireInteger, requirePositive } from '../checks.js';
import type { Optimizer } from '../optimizer.js';
import { StepwiseScheduler } from './scheduler.js';

export interface LinearLROptions {
  /** Share of the rate at the first step, in (0, 1]. Default: 1/3. */
  startFactor?: number;
  /** Share of the rate after `totalIters` steps, in [0, 1]. Default: 1. */
  endFactor?: number;
  /** Steps from one share to the other, at least 1. Default: 5. */
  totalIters?: number;
}

/**
 * PyTorch's LinearLR: lr (startFactor + (endFactor - startFactor) min(epoch / totalIters, 1)). With `SequentialLR` it
 * is the warm-up before another schedule.
 */
export class LinearLR extends StepwiseScheduler<Required<LinearLROptions>> {
  constructor(optimizer: Optimizer, options: LinearLROptions = {}) {
    super('LinearLR', optimizer, options, { startFactor: 1 / 3, endFactor: 1, totalIters: 5 });
  }

  protected check({ startFactor, endFactor, totalIters }: Required<LinearLROptions>): void {
    requirePositive(this.type, 'startFactor', startFactor);
    requireFraction(this.type, 'startFactor', startFactor);
    requireFraction(this.type, 'endFactor', endFactor);
    requireInteger(this.type, 'totalIters', totalIters, 1);
  }

  protected rate(current: number, _base: number, epoch: number): number {
    const { startFactor, endFactor, totalIters } = this.options;
    if (epoch === 0) return current * startFactor;
    if (epoch > totalIters) return current;
    const rise = endFactor - startFactor;
    return current * (1 + rise / (totalIters * startFactor + (epoch - 1) * rise));
  }
}
