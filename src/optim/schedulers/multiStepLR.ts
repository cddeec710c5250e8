/** MultiStepLR: the rate falls by a factor at given steps. */
import { requireFinite, requireSteps } from '../checks.js';
import type { Optimizer } from '../optimizer.js';
import { StepwiseScheduler } from './scheduler.js';

export interface MultiStepLROptions {
  /** Numbers of the steps at which the rate falls; a number that stands twice lets it fall twice. */
  milestones: readonly number[];
  /** Factor of each fall. Default: 0.1. */
  gamma?: number;
}

/** PyTorch's MultiStepLR: lr gamma^(number of milestones reached). */
export class MultiStepLR extends StepwiseScheduler<Required<MultiStepLROptions>> {
  constructor(optimizer: Optimizer, options: MultiStepLROptions) {
    super('MultiStepLR', optimizer, options, { milestones: undefined, gamma: 0.1 });
  }

  protected check({ milestones, gamma }: Required<MultiStepLROptions>): void {
    requireSteps(this.type, 'milestones', milestones);
    requireFinite(this.type, 'gamma', gamma);
  }

  protected rate(current: number, _base: number, epoch: number): number {
    const { milestones, gamma } = this.options;
    const falls = milestones.filter((milestone) => milestone === epoch).length;
    return falls === 0 ? current : current * gamma ** falls;
  }
}
