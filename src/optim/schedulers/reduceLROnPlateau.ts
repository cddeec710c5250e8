/** ReduceLROnPlateau: the rate falls when a metric has stopped improving. */
import { ValidationError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import { requireInteger, requireNonNegative, requireOneOf, requirePerGroup } from '../checks.js';
import { Optimizer } from '../optimizer.js';
import { withDefaults } from '../parameterGroup.js';
import { areNumbers, type SchedulerState, stateMismatch } from './scheduler.js';

export interface ReduceLROnPlateauOptions {
  /** Whether the metric should fall or grow. Default: `min`. */
  mode?: 'min' | 'max';
  /** Factor of each fall of the rate, at least 0 and below 1. Default: 0.1. */
  factor?: number;
  /** Steps without improvement that are borne before the rate falls. Default: 10. */
  patience?: number;
  /** Smallest change that is an improvement. Default: 0.0001. */
  threshold?: number;
  /** Whether the threshold is a share of the best metric or a difference. Default: `rel`. */
  thresholdMode?: 'rel' | 'abs';
  /** Steps after a fall in which nothing is counted. Default: 0. */
  cooldown?: number;
  /** Lowest rate, one for all groups or one for each. Default: 0. */
  minLr?: number | readonly number[];
  /** Falls smaller than this are not made. Default: 1e-8. */
  eps?: number;
}

type Options = Required<ReduceLROnPlateauOptions>;

const DEFAULTS: Options = {
  mode: 'min',
  factor: 0.1,
  patience: 10,
  threshold: 1e-4,
  thresholdMode: 'rel',
  cooldown: 0,
  minLr: 0,
  eps: 1e-8,
};

/** PyTorch's ReduceLROnPlateau. */
export class ReduceLROnPlateau {
  readonly type = 'ReduceLROnPlateau';
  readonly optimizer: Optimizer;
  #options: Options;
  #epoch = 0;
  /** Null before the first metric. */
  #best: number | null = null;
  #badEpochs = 0;
  #cooldown = 0;
  /** The rates after the last step. */
  #rates: number[];

  constructor(optimizer: Optimizer, options: ReduceLROnPlateauOptions = {}) {
    if (!(optimizer instanceof Optimizer)) {
      throw new ValidationError(
        'NOT_AN_OPTIMIZER',
        `${this.type}: the first argument must be an optimizer, such as new SGD(...).`,
      );
    }
    checkOptions(this.type, options, Object.keys(DEFAULTS));
    this.optimizer = optimizer;
    this.#options = withDefaults(options, DEFAULTS);
    this.#check(this.#options);
    this.#rates = optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** How many metrics were given. */
  get lastEpoch(): number {
    return this.#epoch;
  }

  /** The learning rates after the last step, one for each parameter group. */
  lastLr(): number[] {
    return [...this.#rates];
  }

  /** @param metric A number such as the validation loss; read a tensor with `await loss.item()`. */
  step(metric: number): void {
    if (typeof metric !== 'number') {
      throw new ValidationError(
        'INVALID_METRIC',
        `${this.type}: step() needs the metric as a number; read a tensor with await tensor.item().`,
      );
    }
    const { patience, cooldown } = this.#options;
    this.#epoch++;
    if (this.#improves(metric)) {
      this.#best = metric;
      this.#badEpochs = 0;
    } else this.#badEpochs++;
    if (this.#cooldown > 0) {
      this.#cooldown--;
      this.#badEpochs = 0;
    }
    if (this.#badEpochs > patience) {
      this.#reduce();
      this.#cooldown = cooldown;
      this.#badEpochs = 0;
    }
    this.#rates = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Everything needed to continue, as plain JSON. */
  stateDict(): SchedulerState {
    return {
      type: this.type,
      lastEpoch: this.#epoch,
      lastLr: this.lastLr(),
      best: this.#best,
      badEpochs: this.#badEpochs,
      cooldown: this.#cooldown,
      options: structuredClone(this.#options),
    };
  }

  /**
   * Continues where a saved state stood; the optimizer's rates are part of its own state.
   *
   * @throws ValidationError `SCHEDULER_STATE_MISMATCH`; nothing is changed then
   */
  loadStateDict(state: SchedulerState): void {
    if (state?.type !== this.type)
      throw stateMismatch(this.type, `it is the state of ${state?.type ?? 'something else'}`);
    const { lastEpoch, lastLr, best, badEpochs, cooldown, options } = state;
    for (const [name, count] of Object.entries({ lastEpoch, badEpochs, cooldown })) {
      if (!Number.isSafeInteger(count) || (count as number) < 0)
        throw stateMismatch(this.type, `${name} is ${String(count)}`);
    }
    if (best !== null && typeof best !== 'number') throw stateMismatch(this.type, `best is ${String(best)}`);
    if (!areNumbers(lastLr, this.optimizer.paramGroups.length)) {
      throw stateMismatch(this.type, 'lastLr is not one number for each parameter group');
    }
    if (typeof options !== 'object' || options === null) throw stateMismatch(this.type, 'it has no options');
    checkOptions(this.type, options, Object.keys(DEFAULTS));
    const merged = { ...this.#options, ...structuredClone(options) };
    this.#check(merged);
    this.#options = merged;
    this.#epoch = lastEpoch;
    this.#best = best;
    this.#badEpochs = Number(badEpochs);
    this.#cooldown = Number(cooldown);
    this.#rates = [...lastLr];
  }

  #improves(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const best = this.#best ?? -sign * Number.POSITIVE_INFINITY;
    const bound = thresholdMode === 'rel' ? best * (1 + sign * threshold) : best + sign * threshold;
    return mode === 'min' ? metric < bound : metric > bound;
  }

  #reduce(): void {
    const { factor, minLr, eps } = this.#options;
    this.optimizer.paramGroups.forEach((group, index) => {
      const rate = Math.max(group.lr * factor, typeof minLr === 'number' ? minLr : minLr[index]);
      if (group.lr - rate > eps) group.lr = rate;
    });
  }

  #check(options: Options): void {
    const { type } = this;
    requireOneOf(type, 'mode', options.mode, ['min', 'max']);
    requireOneOf(type, 'thresholdMode', options.thresholdMode, ['rel', 'abs']);
    requireNonNegative(type, 'factor', options.factor);
    if (options.factor >= 1) {
      throw new ValidationError('INVALID_OPTION', `${type}: factor is ${options.factor}; it must be below 1.`, {
        factor: options.factor,
      });
    }
    requireInteger(type, 'patience', options.patience, 0);
    requireInteger(type, 'cooldown', options.cooldown, 0);
    requireNonNegative(type, 'threshold', options.threshold);
    requireNonNegative(type, 'eps', options.eps);
    requirePerGroup(type, 'minLr', options.minLr, this.optimizer.paramGroups.length, requireNonNegative);
  }
}
