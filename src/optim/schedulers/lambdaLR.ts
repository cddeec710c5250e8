/** LambdaLR: the rate is the first one times a function of the step. */
import { ValidationError } from '../../errors.js';
import type { Optimizer } from '../optimizer.js';
import { StepwiseScheduler } from './scheduler.js';

/** Factor of the rate at step number `epoch`, from 0. */
export type RateFactor = (epoch: number) => number;

export interface LambdaLROptions {
  /** One function for all parameter groups, or one for each. It is not part of the saved state. */
  lrLambda: RateFactor | readonly RateFactor[];
}

/** PyTorch's LambdaLR: lr lrLambda(epoch). */
export class LambdaLR extends StepwiseScheduler<LambdaLROptions> {
  constructor(optimizer: Optimizer, options: LambdaLROptions) {
    super('LambdaLR', optimizer, options, { lrLambda: undefined });
  }

  protected check({ lrLambda }: LambdaLROptions): void {
    const list: readonly unknown[] = Array.isArray(lrLambda) ? lrLambda : this.groups.map(() => lrLambda);
    if (list.length !== this.groups.length || !list.every((each) => typeof each === 'function')) {
      throw new ValidationError(
        'INVALID_OPTION',
        `${this.type}: lrLambda must be a function (epoch) => factor, or an array of ${this.groups.length} of them, one for each parameter group.`,
      );
    }
  }

  protected rate(_current: number, base: number, epoch: number, index: number): number {
    const { lrLambda } = this.options;
    const factor = (typeof lrLambda === 'function' ? lrLambda : lrLambda[index])(epoch);
    if (!Number.isFinite(factor)) {
      throw new ValidationError(
        'INVALID_RATE',
        `${this.type}: lrLambda gave ${factor} at step ${epoch}; it must give a finite number.`,
        {
          epoch,
          factor,
        },
      );
    }
    return base * factor;
  }

  protected override savedOptions(): Record<string, unknown> {
    return {};
  }
}
