/**
 * What all optimizers share: groups of parameters, the walk over those that have a gradient, and the
 * state that is saved. An optimizer itself is a few lines around one update kernel.
 */
import { BackendError, ValidationError } from '../errors.js';
import { checkOptions } from '../options.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { requireNonNegative } from './checks.js';
import { type OptimizerState, readState, type SavedGroup } from './optimizerState.js';
import {
  groupsOf,
  makeGroup,
  type OptimizerOptions,
  type ParameterGroup,
  type ParameterGroupInput,
  type ParametersInput,
  withDefaults,
} from './parameterGroup.js';
import { ParameterState } from './parameterState.js';
import { announceUpdates } from './updateObserver.js';
import { UpdateQueue } from './updateQueue.js';

/**
 * Base class of the optimizers. To write one: give the defaults to `super`, check the options in
 * `checkGroup`, and compute new values in `update`.
 */
export abstract class Optimizer<Options extends OptimizerOptions = OptimizerOptions> {
  /** The groups with the options in force. Options may be changed between steps, as schedulers do. */
  readonly paramGroups: ParameterGroup<Options>[] = [];
  /** Options of groups that do not say otherwise. */
  readonly defaults: Readonly<Options>;
  readonly #states = new Map<Tensor, ParameterState>();
  /** Runs update kernels, several at a time; all have run when the step ends. */
  protected readonly updates = new UpdateQueue();

  /**
   * @param parameters Tensors that require a gradient, or groups `{ params, lr, ... }` that override options.
   * @throws ValidationError for unknown or impossible options, and for tensors that are no leaves or listed twice
   */
  constructor(parameters: ParametersInput<Options>, options: Partial<Options>, defaults: Options) {
    checkOptions(this.name, options, Object.keys(defaults));
    this.defaults = withDefaults(options, defaults);
    this.#check(this.defaults, this.name);
    for (const group of groupsOf(this.name, parameters)) this.addParamGroup(group);
  }

  /** Shown in errors. */
  get name(): string {
    return this.constructor.name;
  }

  /** Names of the running averages that an updated parameter always has, and of those it may have. */
  protected abstract bufferNames(): { readonly always: readonly string[]; readonly sometimes: readonly string[] };

  /** Checks the options of one group, apart from the learning rate and the weight decay. */
  protected abstract checkGroup(options: Options, where: string): void;

  /**
   * Computes new values for one parameter, at once or by a kernel of `updates`. `state.step` counts this update already.
   */
  protected abstract update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParameterState,
    group: ParameterGroup<Options>,
  ): void;

  /** Adds a group, such as layers that are unfrozen later. */
  addParamGroup(group: ParameterGroupInput<Options>): void {
    const where = `${this.name}: group ${this.paramGroups.length}`;
    const made = makeGroup(where, group, this.defaults, new Set(this.#parameters()));
    this.#check(made, where);
    this.paramGroups.push(made);
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.#parameters()) parameter.grad = null;
  }

  /**
   * Updates every parameter that has a gradient.
   *
   * @throws ValidationError if an option was changed to a value that makes no sense, or a gradient does not fit
   *   its parameter; nothing was updated then
   */
  step(): void {
    const work: [Tensor, Tensor, ParameterGroup<Options>][] = [];
    this.paramGroups.forEach((group, index) => {
      this.#check(group, `${this.name}: group ${index}`);
      group.params.forEach((parameter, position) => {
        if (parameter.grad === null) return;
        checkGradient(
          `${this.name}: the gradient of parameter ${position} of group ${index}`,
          parameter,
          parameter.grad,
        );
        work.push([parameter, parameter.grad, group]);
      });
    });
    const after = announceUpdates(work.map(([parameter, , { lr }]) => ({ parameter, learningRate: lr })));
    this.updates.clear();
    for (const [parameter, gradient, group] of work) {
      const state = this.#states.get(parameter) ?? new ParameterState(parameter);
      this.#states.set(parameter, state);
      state.step++;
      this.update(parameter, gradient, state, group);
    }
    this.updates.flush();
    for (const tell of after) tell();
  }

  /** Everything needed to continue, as it is now: later steps do not change the result. */
  stateDict(): OptimizerState {
    const state = new Map<string, Tensor>();
    let index = 0;
    const groups = this.paramGroups.map(({ params, ...options }): SavedGroup => {
      const steps = params.map((parameter) => this.#states.get(parameter)?.step ?? 0);
      const first = index;
      for (const parameter of params) {
        for (const [name, buffer] of this.#states.get(parameter)?.buffers ?? [])
          state.set(`${index}.${name}`, buffer.detach());
        index++;
      }
      return { ...(options as object), params: params.map((_, position) => first + position), steps };
    });
    return { state, groups: structuredClone(groups) };
  }

  /**
   * Continues where a saved state stood, including the options that it was saved with. All or nothing.
   *
   * @throws ValidationError `OPTIMIZER_STATE_MISMATCH` unless the state is one of this optimizer over these parameters
   */
  loadStateDict(saved: OptimizerState): void {
    const { groups, states } = readState(
      this.name,
      saved,
      this.paramGroups,
      this.bufferNames(),
      Object.keys(this.defaults),
    );
    groups.forEach((options, index) => {
      this.#check({ ...this.paramGroups[index], ...options }, `${this.name}: saved group ${index}`);
    });
    this.paramGroups.forEach((group, index) => {
      // A scheduler's start is part of what was saved: without one, the group has none either.
      delete group.initialLr;
      Object.assign(group, groups[index]);
    });
    this.#states.clear();
    for (const [parameter, state] of states) this.#states.set(parameter, state);
  }

  #check(options: Options, where: string): void {
    requireNonNegative(where, 'lr', options.lr);
    requireNonNegative(where, 'weightDecay', options.weightDecay);
    this.checkGroup(options, where);
  }

  *#parameters(): Generator<Tensor> {
    for (const group of this.paramGroups) yield* group.params;
  }
}

function checkGradient(what: string, parameter: Tensor, gradient: Tensor): void {
  if (!sameShape(parameter.shape, gradient.shape) || parameter.dtype !== gradient.dtype) {
    throw new ValidationError(
      'GRADIENT_MISMATCH',
      `${what} is ${gradient.dtype} ${formatShape(gradient.shape)}, but the parameter is ${parameter.dtype} ${formatShape(parameter.shape)}.`,
    );
  }
  if (parameter.backend !== gradient.backend) {
    throw new BackendError(
      'MIXED_BACKENDS',
      `${what} is on ${gradient.backend.name}, but the parameter is on ${parameter.backend.name}.`,
    );
  }
}
