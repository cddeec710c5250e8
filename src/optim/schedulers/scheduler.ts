/**
 * Learning-rate schedules. A scheduler writes the rate of each parameter group of one optimizer: once when
 * it is made, for the first step, and then at every `step()`. As in PyTorch the next rate is computed from the
 * present one, so that several schedulers on one optimizer multiply, and a rate that the user changes stays changed.
 */
import { ValidationError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import { Optimizer } from '../optimizer.js';
import { withDefaults } from '../parameterGroup.js';

/** Options of a parameter group that schedulers change. */
export interface ScheduledGroup {
  lr: number;
  /** The rate that schedules start from. */
  initialLr?: number;
  momentum?: number;
  betas?: readonly [number, number];
}

/** What `stateDict()` gives: plain JSON. */
export interface SchedulerState {
  /** The class, such as `StepLR`. */
  readonly type: string;
  readonly lastEpoch: number;
  /** The rates after the last step, one for each group. */
  readonly lastLr: readonly number[];
  readonly [field: string]: unknown;
}

export abstract class LRScheduler {
  readonly optimizer: Optimizer;
  /** The class, such as `StepLR`; part of the saved state. */
  readonly type: string;
  protected rates: number[] = [];
  protected epoch = -1;

  constructor(type: string, optimizer: Optimizer) {
    if (!(optimizer instanceof Optimizer)) {
      throw new ValidationError(
        'NOT_AN_OPTIMIZER',
        `${type}: the first argument must be an optimizer, such as new SGD(...).`,
      );
    }
    this.type = type;
    this.optimizer = optimizer;
  }

  /** How many steps were made since the schedule began. */
  get lastEpoch(): number {
    return this.epoch;
  }

  /** The learning rates that the last step set, one for each parameter group. */
  lastLr(): number[] {
    return [...this.rates];
  }

  /** Sets the rates of the next step. Call it after `optimizer.step()`, once per epoch or batch, as the schedule counts. */
  abstract step(): void;

  /** Begins the schedule at the optimizer's present rates. */
  abstract begin(): void;

  /** Begins the schedule at the rates it was made for. */
  abstract restart(): void;

  /** Everything needed to continue, but for functions. */
  abstract stateDict(): SchedulerState;

  /**
   * Continues where a saved state stood. As in PyTorch this leaves the optimizer alone: its rates are part of its
   * own state. Make the scheduler first, because that sets rates, and then load the states of both.
   *
   * @throws ValidationError `SCHEDULER_STATE_MISMATCH`; nothing is changed then
   */
  abstract loadStateDict(state: SchedulerState): void;

  /** The optimizer's groups, as far as a schedule cares. */
  protected get groups(): readonly ScheduledGroup[] {
    return this.optimizer.paramGroups;
  }

  /** Checks the fields that every saved state has. */
  protected checkState(state: SchedulerState): void {
    const wrong =
      state?.type !== this.type
        ? `it is the state of ${state?.type ?? 'something else'}`
        : !Number.isSafeInteger(state.lastEpoch) || state.lastEpoch < -1
          ? `lastEpoch is ${state.lastEpoch}`
          : !areNumbers(state.lastLr, this.groups.length)
            ? `it is for ${state.lastLr?.length ?? 'no'} parameter groups, the optimizer has ${this.groups.length}`
            : null;
    if (wrong !== null) throw stateMismatch(this.type, wrong);
  }
}

export const areNumbers = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) && value.length === length && value.every((each) => Number.isFinite(each));

export const stateMismatch = (type: string, wrong: string): ValidationError =>
  new ValidationError('SCHEDULER_STATE_MISMATCH', `This is no state for this ${type}: ${wrong}. Nothing was loaded.`);

/**
 * A schedule whose rate follows from the present rate, the first rate and the number of the step. What a
 * subclass needs stands in its options: they are there before the constructor of this class sets the first rates.
 */
export abstract class StepwiseScheduler<Options extends object> extends LRScheduler {
  protected options: Options;
  protected baseLrs: number[];

  constructor(
    type: string,
    optimizer: Optimizer,
    options: object,
    defaults: { [Name in keyof Options]: Options[Name] | undefined },
  ) {
    super(type, optimizer);
    checkOptions(type, options, Object.keys(defaults));
    this.options = withDefaults<object>(options, defaults) as Options;
    this.check(this.options);
    this.prepareGroups();
    this.baseLrs = this.groups.map(({ lr, initialLr }) => initialLr ?? lr);
    this.begin();
  }

  /** Checks the options, given or loaded. */
  protected abstract check(options: Options): void;

  /** The rate of a group at step number `epoch`, from 0. `current` is its present rate, `base` the one the schedule began with. */
  protected abstract rate(current: number, base: number, epoch: number, index: number): number;

  /** Notes the rates that the schedule begins with. */
  protected prepareGroups(): void {
    for (const group of this.groups) group.initialLr ??= group.lr;
  }

  /** Called after the rates of a step are set, for schedules of other options. */
  protected afterStep(): void {}

  step(): void {
    this.#moveTo(
      this.epoch + 1,
      this.groups.map(({ lr }) => lr),
    );
  }

  begin(): void {
    this.#moveTo(
      0,
      this.groups.map(({ lr }) => lr),
    );
  }

  restart(): void {
    this.#moveTo(0, this.baseLrs);
  }

  #moveTo(epoch: number, current: readonly number[]): void {
    if (this.baseLrs.length !== this.groups.length) {
      throw new ValidationError(
        'GROUPS_CHANGED',
        `${this.type}: the optimizer has ${this.groups.length} parameter groups, but had ${this.baseLrs.length} when the scheduler was made. Make a new scheduler after addParamGroup().`,
      );
    }
    const rates = current.map((rate, index) => this.rate(rate, this.baseLrs[index], epoch, index));
    this.epoch = epoch;
    this.rates = rates;
    rates.forEach((rate, index) => {
      this.groups[index].lr = rate;
    });
    this.afterStep();
  }

  /** The options that go into the saved state. */
  protected savedOptions(): Record<string, unknown> {
    return structuredClone(this.options) as Record<string, unknown>;
  }

  stateDict(): SchedulerState {
    const { type, epoch, baseLrs } = this;
    return { type, lastEpoch: epoch, lastLr: this.lastLr(), baseLrs: [...baseLrs], options: this.savedOptions() };
  }

  loadStateDict(state: SchedulerState): void {
    this.checkState(state);
    const { baseLrs, options } = state;
    if (!areNumbers(baseLrs, this.groups.length))
      throw stateMismatch(this.type, 'baseLrs is not one number for each group');
    if (typeof options !== 'object' || options === null) throw stateMismatch(this.type, 'it has no options');
    checkOptions(this.type, options, Object.keys(this.savedOptions()));
    const merged = { ...this.options, ...structuredClone(options) };
    this.check(merged);
    this.options = merged;
    this.baseLrs = [...baseLrs];
    this.epoch = state.lastEpoch;
    this.rates = [...state.lastLr];
  }
}
