/** Which steps of a part need which, while groups of them are joined: no group may have to run both before and after another. */
import { isKernelStep, type ProgramBuffer, type ProgramStep } from '../../program.js';
import { buffersRead, buffersWritten } from './fusedStep.js';

interface Group {
  readonly steps: number[];
  /** Groups that have to run directly before and after it. */
  readonly before: Set<number>;
  readonly after: Set<number>;
}

export class StepGraph {
  /** By number, which is the position of a step; of joined groups one number stays. */
  readonly #groups: (Group | null)[];
  readonly #groupOf: number[];
  readonly #producers: readonly (readonly number[])[];
  readonly #ancestors: Ancestors;

  constructor(steps: readonly ProgramStep[]) {
    const makers = new Map<ProgramBuffer, number>();
    let host = -1;
    this.#groupOf = steps.map((_, index) => index);
    this.#groups = steps.map((_, index) => ({ steps: [index], before: new Set(), after: new Set() }));
    this.#ancestors = new Ancestors(steps.length);
    this.#producers = steps.map((step, index) => {
      const producers = new Set(buffersRead(step).flatMap((buffer) => makers.get(buffer) ?? []));
      for (const buffer of buffersWritten(step)) makers.set(buffer, index);
      for (const each of producers) this.#connect(each, index);
      if (!isKernelStep(step)) {
        // The order in which the host makes values, such as random ones, is part of the result.
        if (host >= 0) this.#connect(host, index);
        host = index;
      }
      return [...producers];
    });
  }

  groupOf(step: number): number {
    return this.#groupOf[step];
  }

  /** Steps whose results a step reads. */
  producersOf(step: number): readonly number[] {
    return this.#producers[step];
  }

  /** In order. */
  stepsOf(group: number): readonly number[] {
    return this.#get(group).steps;
  }

  /** Whether nothing has to run between a group and one that reads from it. */
  canJoin(first: number, second: number): boolean {
    for (const each of this.#get(second).before) {
      if (each !== first && this.#ancestors.has(each, first)) return false;
    }
    return true;
  }

  /** Joins two groups into the first. */
  join(first: number, second: number): void {
    const [kept, taken] = [this.#get(first), this.#get(second)];
    for (const step of taken.steps) this.#groupOf[step] = first;
    kept.steps.push(...taken.steps);
    kept.steps.sort((a, b) => a - b);
    for (const each of taken.before) {
      this.#get(each).after.delete(second);
      if (each !== first) this.#connect(each, first);
    }
    for (const each of taken.after) {
      this.#get(each).before.delete(second);
      this.#connect(first, each);
    }
    this.#groups[second] = null;
    this.#ancestors.join(first, second);
  }

  /** The steps of all groups in an order in which they can run: of those that can, the one that begins earliest. */
  ordered(): (readonly number[])[] {
    const order: (readonly number[])[] = [];
    const done = new Set<number>();
    const waiting = [...this.#groups.entries()]
      .flatMap(([number, group]) => (group ? [{ number, ...group }] : []))
      .sort((a, b) => a.steps[0] - b.steps[0]);
    while (waiting.length > 0) {
      const next = waiting.findIndex(({ before }) => [...before].every((each) => done.has(each)));
      const [{ number, steps }] = waiting.splice(next, 1);
      done.add(number);
      order.push(steps);
    }
    return order;
  }

  #get(group: number): Group {
    return this.#groups[group] as Group;
  }

  #connect(before: number, after: number): void {
    this.#get(before).after.add(after);
    this.#get(after).before.add(before);
    this.#ancestors.add(after, before);
  }
}

/** For each group a bit for every group that has to run before it. */
class Ancestors {
  readonly #count: number;
  readonly #words: number;
  readonly #bits: Uint32Array;

  constructor(count: number) {
    this.#count = count;
    this.#words = Math.ceil(count / 32);
    this.#bits = new Uint32Array(count * this.#words);
  }

  has(group: number, ancestor: number): boolean {
    return (this.#bits[group * this.#words + (ancestor >> 5)] & (1 << (ancestor & 31))) !== 0;
  }

  /** Adds a group and its ancestors. What runs after `group` does not learn of it. */
  add(group: number, ancestor: number): void {
    this.#addAll(group, ancestor);
    this.#bits[group * this.#words + (ancestor >> 5)] |= 1 << (ancestor & 31);
  }

  /** Lets the first group stand for both; the second runs after it. */
  join(first: number, second: number): void {
    this.#addAll(first, second);
    this.#bits[first * this.#words + (first >> 5)] &= ~(1 << (first & 31));
    for (let group = 0; group < this.#count; group++) {
      // What runs after the second group runs after all that the two of them do already.
      if (group !== first && group !== second && this.has(group, first) && !this.has(group, second)) {
        this.#addAll(group, first);
      }
    }
  }

  #addAll(group: number, other: number): void {
    const [to, from] = [group * this.#words, other * this.#words];
    for (let word = 0; word < this.#words; word++) this.#bits[to + word] |= this.#bits[from + word];
  }
}
