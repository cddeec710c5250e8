/**
 * Observers of parameter updates. What lies above the optimizers, such as a quantized model that guards its ranges,
 * can look at its parameters before and after a step without a line in the user's training loop.
 */
import type { Tensor } from '../tensor/tensor.js';

/** A parameter that is about to be updated. */
export interface ParameterUpdate {
  readonly parameter: Tensor;
  readonly learningRate: number;
}

export interface UpdateObserver {
  /**
   * Called once in each step of an optimizer before the observed parameters that have a gradient are updated.
   * @returns What to call after the step; null for nothing.
   */
  beforeUpdate(updates: readonly ParameterUpdate[]): (() => void) | null;
}

const observers = new WeakMap<Tensor, UpdateObserver>();

/** Lets `observer` see the updates of a parameter, in place of any other observer. */
export function observeUpdates(parameter: Tensor, observer: UpdateObserver): void {
  observers.set(parameter, observer);
}

/** Tells the observers of a step. Returns what to call after it. */
export function announceUpdates(updates: Iterable<ParameterUpdate>): (() => void)[] {
  const observed = new Map<UpdateObserver, ParameterUpdate[]>();
  for (const update of updates) {
    const observer = observers.get(update.parameter);
    if (!observer) continue;
    const list = observed.get(observer);
    if (list) list.push(update);
    else observed.set(observer, [update]);
  }
  return [...observed].flatMap(([observer, list]) => observer.beforeUpdate(list) ?? []);
}
