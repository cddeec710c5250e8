/** CosineAnnealingLR: the rate follows half a wave of the cosine down to its minimum. */
import { requireFinite, requireInteger } from '../checks.js';
import type { Optimizer } from '../optimizer.js';
import { StepwiseScheduler } from './scheduler.js';

export interface CosineAnnealingLROptions {
  /** Steps from the highest to the lowest rate, at least 1. Afterwards the rate rises again. */
  tMax: number;
  /** Lowest rate. Default: 0. */
  etaMin?: number;
}

/**
 * PyTorch's CosineAnnealingLR: etaMin + (lr - etaMin) (1 + cos(pi epoch / tMax)) / 2, computed from the present rate.
 * Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, without the restarts.
 */
export class CosineAnnealingLR extends StepwiseScheduler<Required<CosineAnnealingLROptions>> {
  constructor(optimizer: Optimizer, options: CosineAnnealingLROptions) {
    super('CosineAnnealingLR', optimizer, options, { tMax: undefined, etaMin: 0 });
  }

  protected check({ tMax, etaMin }: Required<CosineAnnealingLROptions>): void {
    requireInteger(this.type, 'tMax', tMax, 1);
    requireFinite(this.type, 'etaMin', etaMin);
  }

  protected rate(current: number, base: number, epoch: number): number {
    const { tMax, etaMin } = this.options;
    if (epoch === 0) return current;
    // At the minimum the quotient below is 0 / 0; there the rise is that of the closed form.
    if ((epoch - 1 - tMax) % (2 * tMax) === 0) return current + ((base - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
    const height = (at: number) => 1 + Math.cos((Math.PI * at) / tMax);
    return (height(epoch) / height(epoch - 1)) * (current - etaMin) + etaMin;
  }
}
