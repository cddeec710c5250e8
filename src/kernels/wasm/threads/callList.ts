/**
 * A list of kernel calls in the words that all threads read, and the calling thread's way through it; the workers'
 * is in workerSource.ts.
 */
import type { LoadableModule } from './functionTable.js';
import { CALL, CALL_HEADER, LIST_WORDS, sliceBegin, WORDS } from './layout.js';
import type { PhaseCall } from './phaseCall.js';

export class CallList {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #calls: PhaseCall[] = [];
  #end: number = WORDS.calls;
  /** Where the last call begins, and whether it is shared. */
  #last = 0;
  #lastShared = false;
  /** Modules of the calls that all threads take part in. */
  readonly modules = new Set<LoadableModule>();

  constructor(control: Int32Array<SharedArrayBuffer>) {
    this.#words = control;
    this.#floats = new Float32Array(control.buffer);
  }

  get length(): number {
    return this.#calls.length;
  }

  /** The call at a position. */
  at(position: number): PhaseCall {
    return this.#calls[position];
  }

  clear(): void {
    this.#calls.length = 0;
    this.modules.clear();
    this.#end = WORDS.calls;
    this.#lastShared = false;
  }

  hasRoom(values: number): boolean {
    return this.#end + CALL_HEADER + values <= WORDS.calls + LIST_WORDS;
  }

  /**
   * Adds a call, which all threads share or the calling thread does alone.
   * @param values Addresses, scalars, and two more: the first unit and the end of the units.
   * @param independent Whether it needs nothing of the call before it.
   */
  add(call: PhaseCall, values: readonly number[], shared: boolean, independent = false): void {
    const words = this.#words;
    // What the calling thread does alone follows one after another without a barrier.
    if (this.length > 0 && !independent && (this.#lastShared || shared)) words[this.#last + 1] |= CALL.barrier;
    const at = this.#end;
    const scalarsEnd = values.length - 2;
    const integers = scalarsEnd - call.scalars;
    const { number, module } = call.entry;
    words[at] = number;
    words[at + 1] = (shared ? CALL.shared : 0) | (integers << CALL.integersShift) | (call.scalars << CALL.floatsShift);
    words[at + 2] = call.units;
    let word = at + CALL_HEADER;
    for (let index = 0; index < integers; index++) words[word++] = values[index];
    for (let index = integers; index < scalarsEnd; index++) this.#floats[word++] = values[index];
    this.#calls.push(call);
    if (shared) this.modules.add(module);
    this.#last = at;
    this.#lastShared = shared;
    this.#end = word;
  }

  /**
   * The calling thread's part of all calls: its units of those that are shared, all units of the others.
   * @param barrier Waits for the other threads.
   * @returns The first failure of a kernel. The calls behind it run all the same, since the others wait at their barriers.
   */
  run(threads: number, barrier: () => void): { readonly error: unknown; readonly position: number } | null {
    const words = this.#words;
    let failure: { readonly error: unknown; readonly position: number } | null = null;
    let at: number = WORDS.calls;
    for (let position = 0; position < this.#calls.length; position++) {
      const head = words[at + 1];
      const units = words[at + 2];
      const integers = (head >> CALL.integersShift) & CALL.countMask;
      const scalars = (head >> CALL.floatsShift) & CALL.countMask;
      const values: number[] = [];
      let word = at + CALL_HEADER;
      for (let index = 0; index < integers; index++) values.push(words[word++]);
      for (let index = 0; index < scalars; index++) values.push(this.#floats[word++]);
      const end = head & CALL.shared ? sliceBegin(units, 1, threads) : units;
      try {
        if (end > 0) this.#calls[position].function(...values, 0, end);
      } catch (error) {
        failure ??= { error, position };
      }
      if (head & CALL.barrier) barrier();
      at = word;
    }
    return failure;
  }
}
