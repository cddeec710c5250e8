/**
 * Where the values of a program live: offsets in one arena. A place is used again as soon as the last step that reads
 * its value has run; what a backward part reads of the forward part lives on into it. Places are given to the largest
 * values first, each the tightest gap among those that exist at the same time.
 */
import { bytesPerElement } from '../../dtype.js';
import type { ProgramBuffer, ProgramOperand } from '../../program.js';
import { ALIGNMENT } from '../heap.js';
import { buffersRead, buffersWritten, type PartStep } from './fusedStep.js';

/** What is known of a step before its buffers have places. */
export interface PlannedStep {
  readonly step: PartStep;
  /** Whether an output may take the place of an operand of its type that is not read again. */
  readonly inPlace: boolean;
  /** Bytes that the step needs while it runs. */
  readonly scratchBytes: number;
}

/** A stretch of the arena and the steps, by position, from the first to the last for which it is taken. */
interface Place {
  readonly bytes: number;
  readonly first: number;
  last: number;
  offset: number;
}

export interface Range {
  readonly offset: number;
  readonly bytes: number;
}

/** Places of the buffers of one part. */
export interface PartLayout {
  /** By buffer id; those of the forward part are among them. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Of each step's scratch memory. */
  readonly scratchOffsets: readonly number[];
  /** Size of the arena that the part needs. */
  readonly bytes: number;
}

const aligned = (bytes: number): number => Math.max(Math.ceil(bytes / ALIGNMENT), 1) * ALIGNMENT;

const bytesOf = ({ dtype, length }: ProgramBuffer): number => aligned(length * bytesPerElement(dtype));

export class Arena {
  readonly forward: PartLayout;
  /** What the backward part reads of the forward part. */
  readonly kept: readonly Range[];
  readonly #forwardSteps: number;
  readonly #keptBuffers: ReadonlyMap<number, Range>;
  readonly #main: PartLayout;
  readonly #guard: number;

  /**
   * @param guard Bytes that stay free before and behind every value, a multiple of the alignment. For tests.
   * @param outside Buffers of either part that have memory of their own.
   * @param alsoKept Buffers of the forward part that are needed after the backward part, beside those that it reads.
   */
  constructor(
    forward: readonly PlannedStep[],
    backward: readonly PlannedStep[],
    outside: ReadonlySet<number>,
    alsoKept: readonly ProgramBuffer[],
    guard = 0,
  ) {
    this.#forwardSteps = forward.length;
    this.#guard = guard;
    const steps = [...forward, ...backward];
    const places = new Places(steps, 0, outside, alsoKept, guard);
    const bytes = place(places.made, []);
    const { offsets, scratchOffsets } = places;
    this.forward = { offsets, scratchOffsets: scratchOffsets.slice(0, forward.length), bytes };
    this.#main = { offsets, scratchOffsets: scratchOffsets.slice(forward.length), bytes };
    const computed = new Set(forward.flatMap(({ step }) => buffersWritten(step).map(({ id }) => id)));
    this.#keptBuffers = new Map(
      [...backward.flatMap(({ step }) => buffersRead(step)), ...alsoKept].flatMap((buffer) => {
        const offset = offsets.get(buffer.id);
        return offset === undefined || !computed.has(buffer.id)
          ? []
          : [[buffer.id, { offset, bytes: bytesOf(buffer) }]];
      }),
    );
    this.kept = joined([...this.#keptBuffers.values()]);
  }

  /** The backward part that the arena was made with. */
  get backward(): PartLayout {
    return this.#main;
  }

  /** Places of another backward part, which must read no more of the forward part than the first one. */
  layOutPart(
    steps: readonly PlannedStep[],
    outside: ReadonlySet<number>,
    alsoKept: readonly ProgramBuffer[],
  ): PartLayout {
    const fixed = new Map(
      [...this.#keptBuffers].map(([id, { offset, bytes }]): [number, Place] => [
        id,
        {
          offset: offset - this.#guard,
          bytes: bytes + 2 * this.#guard,
          first: this.#forwardSteps,
          last: this.#forwardSteps - 1,
        },
      ]),
    );
    const places = new Places(steps, this.#forwardSteps, outside, alsoKept, this.#guard, fixed);
    const bytes = place(
      places.made,
      [...fixed.values()].filter(({ first, last }) => first <= last),
    );
    return {
      offsets: places.offsets,
      scratchOffsets: places.scratchOffsets,
      bytes: Math.max(bytes, this.forward.bytes),
    };
  }
}

/** When the buffers of a sequence of steps are taken, and which of them share a place. */
class Places {
  readonly byBuffer: Map<number, Place>;
  /** The new places, without offsets yet. */
  readonly made: Place[] = [];
  readonly scratch: (Place | null)[] = [];
  readonly #guard: number;

  constructor(
    steps: readonly PlannedStep[],
    start: number,
    outside: ReadonlySet<number>,
    alsoKept: readonly ProgramBuffer[],
    guard: number,
    fixed: ReadonlyMap<number, Place> = new Map(),
  ) {
    this.#guard = guard;
    this.byBuffer = new Map(fixed);
    const lastUse = new Map<number, number>();
    steps.forEach(({ step }, index) => {
      for (const { id } of [...buffersRead(step), ...buffersWritten(step)]) lastUse.set(id, start + index);
    });
    for (const { id } of alsoKept) lastUse.set(id, start + steps.length);
    for (const [id, place] of fixed) place.last = lastUse.get(id) ?? place.last;
    const make = (bytes: number, first: number, last: number): Place => {
      const made = { bytes: bytes + 2 * guard, first, last, offset: 0 };
      this.made.push(made);
      return made;
    };
    steps.forEach(({ step, inPlace, scratchBytes }, index) => {
      const position = start + index;
      const dying = new Set(
        buffersRead(step).filter(({ id }) => this.byBuffer.has(id) && lastUse.get(id) === position),
      );
      for (const output of buffersWritten(step)) {
        if (outside.has(output.id)) continue;
        const last = lastUse.get(output.id) as number;
        const replaced = inPlace && 'inputs' in step ? replaceable(step, output, dying) : null;
        if (replaced) {
          dying.delete(replaced);
          const place = this.byBuffer.get(replaced.id) as Place;
          place.last = last;
          this.byBuffer.set(output.id, place);
        } else this.byBuffer.set(output.id, make(bytesOf(output), position, last));
      }
      this.scratch.push(scratchBytes > 0 ? make(aligned(scratchBytes), position, position) : null);
    });
  }

  /** Where values begin, when the places have theirs: by buffer id. */
  get offsets(): Map<number, number> {
    return new Map([...this.byBuffer].map(([id, { offset }]) => [id, offset + this.#guard]));
  }

  /** Where scratch memory begins, by step. */
  get scratchOffsets(): number[] {
    return this.scratch.map((scratch) => (scratch ? scratch.offset + this.#guard : 0));
  }
}

/** An operand that dies in this step and whose place the output can take. */
function replaceable(
  step: Extract<PartStep, { readonly inputs: readonly ProgramOperand[] }>,
  output: ProgramBuffer,
  dying: ReadonlySet<ProgramBuffer>,
): ProgramBuffer | null {
  const { shape } = step.outputs.find(({ buffer }) => buffer === output) as ProgramOperand;
  const found = step.inputs.find(
    (input) =>
      dying.has(input.buffer) &&
      input.dtype === output.dtype &&
      input.shape.length === shape.length &&
      input.shape.every((extent, axis) => extent === shape[axis]),
  );
  return found?.buffer ?? null;
}

/** Gives offsets to `places` beside those that have one already; returns the end of them all. */
function place(places: readonly Place[], fixed: readonly Place[]): number {
  const placed = [...fixed].sort((a, b) => a.offset - b.offset);
  const order = [...places].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  let end = Math.max(0, ...fixed.map(({ offset, bytes }) => offset + bytes));
  for (const each of order) {
    let free = 0;
    let tightest = Number.POSITIVE_INFINITY;
    let offset = -1;
    for (const other of placed) {
      if (other.first > each.last || other.last < each.first) continue;
      const gap = other.offset - free;
      if (gap >= each.bytes && gap < tightest) {
        tightest = gap;
        offset = free;
      }
      free = Math.max(free, other.offset + other.bytes);
    }
    each.offset = offset < 0 ? free : offset;
    end = Math.max(end, each.offset + each.bytes);
    insert(placed, each);
  }
  return end;
}

/** Inserts into a list ordered by offset. */
function insert(places: Place[], added: Place): void {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle].offset > added.offset) high = middle;
    else low = middle + 1;
  }
  places.splice(low, 0, added);
}

/** The same bytes in as few ranges as possible. */
function joined(ranges: readonly Range[]): Range[] {
  const result: { offset: number; bytes: number }[] = [];
  for (const { offset, bytes } of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const last = result[result.length - 1];
    if (last && offset <= last.offset + last.bytes) last.bytes = Math.max(last.bytes, offset + bytes - last.offset);
    else result.push({ offset, bytes });
  }
  return result;
}
