/**
 * Where each value of a program lives: offsets in one arena, reused as soon as the last step that reads a value has run.
 * Values that the backward part needs live on into it.
 */
import { bytesPerElement } from '../../dtype.js';
import {
  isKernelStep,
  type KernelProgram,
  type KernelStep,
  type ProgramBuffer,
  type ProgramStep,
} from '../../program.js';

const ALIGNMENT = 64;

export interface ArenaLayout {
  readonly bytes: number;
  /** Offset of each buffer that lives in the arena, by id. */
  readonly offsets: ReadonlyMap<number, number>;
}

export const inputsOf = (step: ProgramStep): readonly ProgramBuffer[] =>
  isKernelStep(step) ? step.inputs.map(({ buffer }) => buffer) : [];
export const outputsOf = (step: ProgramStep): readonly ProgramBuffer[] =>
  isKernelStep(step) ? step.outputs.map(({ buffer }) => buffer) : [step.output];

/** Kernels that read each element before they write it, so that a result may take the place of an operand that dies. */
const IN_PLACE = new Set(['unary', 'binary', 'clamp', 'select']);

interface Gap {
  offset: number;
  bytes: number;
}

/** Memory with gaps; takes the smallest gap that fits. */
class GapList {
  readonly #gaps: Gap[] = [];
  end = 0;

  take(bytes: number): number {
    let best = -1;
    for (let index = 0; index < this.#gaps.length; index++) {
      const gap = this.#gaps[index];
      if (gap.bytes >= bytes && (best < 0 || gap.bytes < this.#gaps[best].bytes)) best = index;
    }
    if (best < 0) {
      const offset = this.end;
      this.end += bytes;
      return offset;
    }
    const gap = this.#gaps[best];
    const { offset } = gap;
    gap.offset += bytes;
    gap.bytes -= bytes;
    if (gap.bytes === 0) this.#gaps.splice(best, 1);
    return offset;
  }

  give(offset: number, bytes: number): void {
    let position = this.#gaps.findIndex((gap) => gap.offset > offset);
    if (position < 0) position = this.#gaps.length;
    this.#gaps.splice(position, 0, { offset, bytes });
    const next = this.#gaps[position + 1];
    if (next && offset + bytes === next.offset) {
      this.#gaps[position].bytes += next.bytes;
      this.#gaps.splice(position + 1, 1);
    }
    const previous = this.#gaps[position - 1];
    if (previous && previous.offset + previous.bytes === offset) {
      previous.bytes += this.#gaps[position].bytes;
      this.#gaps.splice(position, 1);
    }
  }
}

const roomFor = ({ dtype, length }: ProgramBuffer): number =>
  Math.max(Math.ceil((length * bytesPerElement(dtype)) / ALIGNMENT), 1) * ALIGNMENT;

/**
 * Lays out the buffers that steps compute, except those in `outside`, which get memory of their own.
 * @param scratch Bytes each step needs while it runs; offsets of scratch are returned by step.
 */
export function layOutArena(
  program: KernelProgram,
  outside: ReadonlySet<number>,
  scratch: readonly number[],
): ArenaLayout & { readonly scratchOffsets: readonly number[] } {
  const { steps } = program;
  const lastUse = new Map<number, number>();
  steps.forEach((step, position) => {
    for (const buffer of [...inputsOf(step), ...outputsOf(step)]) lastUse.set(buffer.id, position);
  });
  const memory = new GapList();
  const offsets = new Map<number, number>();
  const scratchOffsets: number[] = [];
  const inArena = (buffer: ProgramBuffer): boolean =>
    (buffer.origin === 'computed' || buffer.origin === 'generated') && !outside.has(buffer.id);
  steps.forEach((step, position) => {
    const dying = new Map(
      inputsOf(step)
        .filter((buffer) => inArena(buffer) && lastUse.get(buffer.id) === position)
        .map((buffer) => [buffer.id, buffer]),
    );
    for (const output of outputsOf(step)) {
      if (!inArena(output)) continue;
      const replaced = isKernelStep(step) ? replaceable(step, output, dying) : null;
      if (replaced) {
        offsets.set(output.id, offsets.get(replaced.id) as number);
        dying.delete(replaced.id);
      } else offsets.set(output.id, memory.take(roomFor(output)));
    }
    const bytes = Math.ceil(scratch[position] / ALIGNMENT) * ALIGNMENT;
    const scratchOffset = bytes > 0 ? memory.take(bytes) : 0;
    scratchOffsets.push(scratchOffset);
    if (bytes > 0) memory.give(scratchOffset, bytes);
    for (const buffer of dying.values()) memory.give(offsets.get(buffer.id) as number, roomFor(buffer));
    for (const output of outputsOf(step)) {
      // A result that nothing reads is dead at once.
      if (inArena(output) && lastUse.get(output.id) === position)
        memory.give(offsets.get(output.id) as number, roomFor(output));
    }
  });
  return { bytes: memory.end, offsets, scratchOffsets };
}

/** An operand that dies in this step and whose place the output can take. */
function replaceable(
  step: KernelStep,
  output: ProgramBuffer,
  dying: ReadonlyMap<number, ProgramBuffer>,
): ProgramBuffer | null {
  if (!IN_PLACE.has(step.kernel)) return null;
  const [{ shape }] = step.outputs;
  const found = step.inputs.find(
    (input) =>
      dying.has(input.buffer.id) &&
      input.dtype === output.dtype &&
      input.shape.length === shape.length &&
      input.shape.every((extent, axis) => extent === shape[axis]),
  );
  return found?.buffer ?? null;
}
