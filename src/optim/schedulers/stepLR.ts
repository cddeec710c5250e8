/** StepLR: the rate falls by a factor every so many steps. */
import { requireFinite, requireInteger } from '../checks.js';
import type { Optimizer } from '../optimizer.js';
import { StepwiseScheduler } from './scheduler.js';

export interface StepLROptions {
  /** Steps between two falls, at least 1. */
  stepSize: number;
  /** Factor of each fall. Default: 0.1. */
  gamma?: number;
}

/** PyTorch's StepLR: lr gamma^floor(epoch / stepSize). */
export class StepLR extends StepwiseScheduler<Required<StepLROptions>> {
  constructor(optimizer: Optimizer, options: StepLROptions) {
    super('StepLR', optimizer, options, { stepSize: undefined, gamma: 0.1 });
  }

  protected check({ stepSize, gamma }: Required<StepLROptions>): void {
    requireInteger(this.type, 'stepSize', stepSize, 1);
    requireFinite(this.type, 'gamma', gamma);
  }

  protected rate(current: number, _base: number, epoch: number): number {
    const { stepSize, gamma } = this.options;
    return epoch > 0 && epoch % stepSize === 0 ? current * gamma : current;
  }
}
