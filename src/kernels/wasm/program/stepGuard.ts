/**
 * Guards inside an arena, for tests: around every value of a step lies a pattern that must be there when the step has run.
 * (Values with memory of their own have the guards of the heap.)
 */
import { BackendError } from '../../../errors.js';

const CANARY = 0xa5;

/** Where a value of a step is. */
export interface Guarded {
  /** From the beginning of the arena. */
  readonly offset: number;
  /** Bytes of the value; behind them comes the guard. */
  readonly bytes: number;
}

/** The bytes of the memory at an address. */
export type ViewBytes = (address: number, length: number) => Uint8Array;

export class StepGuard {
  readonly #name: string;
  readonly #ranges: readonly Guarded[];
  readonly #guard: number;
  readonly #view: ViewBytes;

  /**
   * @param name Of the step, for the error.
   * @param guard Bytes before and behind each value.
   */
  constructor(name: string, ranges: readonly Guarded[], guard: number, view: ViewBytes) {
    this.#name = name;
    this.#ranges = ranges;
    this.#guard = guard;
    this.#view = view;
  }

  /** Writes the pattern. */
  fill(arena: number): void {
    for (const range of this.#ranges) for (const side of this.#sides(arena, range)) side.fill(CANARY);
  }

  /** @throws BackendError `HEAP_OVERRUN` */
  check(arena: number): void {
    for (const range of this.#ranges) {
      this.#sides(arena, range).forEach((side, index) => {
        const broken = side.findIndex((value) => value !== CANARY);
        if (broken < 0) return;
        const offset = index === 0 ? broken - this.#guard : range.bytes + broken;
        throw new BackendError(
          'HEAP_OVERRUN',
          `The step '${this.#name}' of a plan wrote at offset ${offset} of a value of ${range.bytes} bytes.`,
          { step: this.#name, offset, bytes: range.bytes },
        );
      });
    }
  }

  #sides(arena: number, { offset, bytes }: Guarded): readonly Uint8Array[] {
    const start = arena + offset;
    return [this.#view(start - this.#guard, this.#guard), this.#view(start + bytes, this.#guard)];
  }
}
