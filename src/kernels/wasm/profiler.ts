/** Times steps one by one while someone wants to know; see `WasmBackend.profile`. */
import type { StepDescription } from '../stepWork.js';

/** How long one step took. */
export interface StepTime extends StepDescription {
  /** The part of a plan that the step belongs to; `call`: a kernel that was called on its own, such as an optimizer's. */
  readonly part: 'forward' | 'backward' | 'call';
  /** Position in its part; of calls, in the profile. */
  readonly index: number;
  /** Wall time. */
  readonly milliseconds: number;
}

/** Where the parts of programs leave their times. */
export class Profiler {
  #times: StepTime[] | null = null;

  /** Whether steps are to run, and be finished, one at a time. */
  get active(): boolean {
    return this.#times !== null;
  }

  /** @param started By `performance.now()`. */
  add(part: StepTime['part'], index: number | null, started: number, step: StepDescription): void {
    const milliseconds = performance.now() - started;
    const times = this.#times;
    times?.push({ ...step, part, index: index ?? times.filter((each) => each.part === part).length, milliseconds });
  }

  /** The times of what runs in `body`. */
  collect(body: () => void): StepTime[] {
    const outer = this.#times;
    const times: StepTime[] = [];
    this.#times = times;
    try {
      body();
    } finally {
      this.#times = outer;
    }
    outer?.push(...times);
    return times;
  }
}
