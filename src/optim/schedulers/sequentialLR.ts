/** SequentialLR: one schedule after another, such as a warm-up and then a cosine. */
import { ValidationError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import { requireSteps } from '../checks.js';
import type { Optimizer } from '../optimizer.js';
import { LRScheduler, type SchedulerState, stateMismatch } from './scheduler.js';

export interface SequentialLROptions {
  /** Schedulers of the same optimizer, in the order in which they take over. */
  schedulers: readonly LRScheduler[];
  /** The step at which each scheduler but the first takes over: one fewer than schedulers, not falling. */
  milestones: readonly number[];
}

/** PyTorch's SequentialLR. Each schedule counts its steps from the moment it takes over. */
export class SequentialLR extends LRScheduler {
  readonly schedulers: readonly LRScheduler[];
  #milestones: readonly number[];

  constructor(optimizer: Optimizer, options: SequentialLROptions) {
    super('SequentialLR', optimizer);
    checkOptions(this.type, options, ['schedulers', 'milestones']);
    const { schedulers, milestones } = options ?? {};
    if (!Array.isArray(schedulers) || schedulers.length === 0) {
      throw new ValidationError(
        'INVALID_OPTION',
        `${this.type}: schedulers must be an array of at least one scheduler.`,
      );
    }
    schedulers.forEach((scheduler, index) => {
      if (!(scheduler instanceof LRScheduler) || scheduler.optimizer !== optimizer) {
        throw new ValidationError(
          'INVALID_OPTION',
          `${this.type}: schedulers[${index}] must be a scheduler of the same optimizer whose step() needs no metric.`,
        );
      }
    });
    this.schedulers = [...schedulers];
    this.#checkMilestones(milestones);
    this.#milestones = [...milestones];
    // Making the schedulers has changed the rates; the first one begins at the rates before that.
    for (const group of this.groups) group.lr = group.initialLr ?? group.lr;
    this.begin();
  }

  step(): void {
    const epoch = this.epoch + 1;
    const index = this.#indexAt(epoch);
    if (index > 0 && this.#milestones[index - 1] === epoch) this.schedulers[index].restart();
    else this.schedulers[index].step();
    this.#moved(epoch, index);
  }

  begin(): void {
    const index = this.#indexAt(0);
    this.schedulers[index].begin();
    this.#moved(0, index);
  }

  restart(): void {
    const index = this.#indexAt(0);
    this.schedulers[index].restart();
    this.#moved(0, index);
  }

  stateDict(): SchedulerState {
    return {
      type: this.type,
      lastEpoch: this.epoch,
      lastLr: this.lastLr(),
      milestones: [...this.#milestones],
      schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()),
    };
  }

  loadStateDict(state: SchedulerState): void {
    this.checkState(state);
    const { milestones, schedulers } = state;
    this.#checkMilestones(milestones);
    if (!Array.isArray(schedulers) || schedulers.length !== this.schedulers.length) {
      throw stateMismatch(this.type, `it does not have ${this.schedulers.length} schedulers`);
    }
    const previous = this.schedulers.map((scheduler) => scheduler.stateDict());
    try {
      for (const [index, scheduler] of this.schedulers.entries()) scheduler.loadStateDict(schedulers[index]);
    } catch (error) {
      for (const [index, scheduler] of this.schedulers.entries()) scheduler.loadStateDict(previous[index]);
      throw error;
    }
    this.#milestones = [...milestones];
    this.epoch = state.lastEpoch;
    this.rates = [...state.lastLr];
  }

  #moved(epoch: number, index: number): void {
    this.epoch = epoch;
    this.rates = this.schedulers[index].lastLr();
  }

  /** The scheduler in charge at a step: how many milestones have been reached. */
  #indexAt(epoch: number): number {
    return this.#milestones.filter((milestone) => milestone <= epoch).length;
  }

  #checkMilestones(milestones: unknown): asserts milestones is readonly number[] {
    requireSteps(this.type, 'milestones', milestones);
    const last = this.schedulers.length - 1;
    if (milestones.length !== last || milestones.some((milestone, index) => milestone < milestones[index - 1])) {
      throw new ValidationError(
        'INVALID_OPTION',
        `${this.type}: milestones is [${milestones.join(', ')}]; it must be ${last} steps that do not fall, one fewer than schedulers.`,
      );
    }
  }
}
