/** ExponentialLR: the rate falls by a factor at every step. */
import { requireFinite } from '../checks.js';
import type { Optimizer } from '../optimizer.js';
import { StepwiseScheduler } from './scheduler.js';

export interface ExponentialLROptions {
  /** Factor of each step. */
  gamma: number;
}

/** PyTorch's ExponentialLR: lr gamma^epoch. */
export class ExponentialLR extends StepwiseScheduler<ExponentialLROptions> {
  constructor(optimizer: Optimizer, options: ExponentialLROptions) {
    super('ExponentialLR', optimizer, options, { gamma: undefined });
  }

  protected check({ gamma }: ExponentialLROptions): void {
    requireFinite(this.type, 'gamma', gamma);
  }

  protected rate(current: number, _base: number, epoch: number): number {
    return epoch === 0 ? current : current * this.options.gamma;
  }
}
