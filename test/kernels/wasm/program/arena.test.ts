/** No two values that exist at the same time share memory, whatever the program. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KernelStep, ProgramBuffer, ProgramOperand } from '../../../../src/kernels/program.js';
import { Arena, type PartLayout, type PlannedStep } from '../../../../src/kernels/wasm/program/arena.js';
import { buffersRead, buffersWritten } from '../../../../src/kernels/wasm/program/fusedStep.js';

const UNIT = 64;

interface StepNumbers {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly inPlace: boolean;
  readonly scratch: number;
}

const stepNumbers: fc.Arbitrary<StepNumbers> = fc.record({
  inputs: fc.array(fc.nat(), { maxLength: 3 }),
  // Few sizes, so that results often fit where an operand was.
  outputs: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 2 }),
  inPlace: fc.boolean(),
  scratch: fc.constantFrom(0, 0, 1, 5000),
});

const LENGTHS = [0, 1, 16, 100, 3000];

/** Steps on buffers that were made before. */
class Maker {
  readonly buffers: ProgramBuffer[] = [];
  #id = 0;

  constructor() {
    this.buffers.push({ id: this.#id++, origin: 'external', dtype: 'float32', length: 16 });
  }

  steps(numbers: readonly StepNumbers[], known = this.buffers): PlannedStep[] {
    return numbers.map(({ inputs, outputs, inPlace, scratch }) => {
      const operand = (buffer: ProgramBuffer): ProgramOperand => ({
        buffer,
        dtype: buffer.dtype,
        shape: [buffer.length],
      });
      const operands = inputs.map((input) => operand(known[input % known.length]));
      const made = outputs.map((size): ProgramBuffer => {
        const length = LENGTHS[size];
        return { id: this.#id++, origin: 'computed', dtype: size === 2 ? 'int32' : 'float32', length };
      });
      known.push(...made);
      const step = { kernel: 'unary', inputs: operands, attributes: {}, outputs: made.map(operand) };
      return { step: step as unknown as KernelStep, inPlace, scratchBytes: scratch };
    });
  }
}

/** The arena as a list of owners, one for each unit. */
type Memory = number[];

const unitsOf = ({ length }: ProgramBuffer): number => Math.max(1, Math.ceil((length * 4) / UNIT));

function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Plays a part and fails where a step reads what was overwritten, or writes where it must not. */
function play(steps: readonly PlannedStep[], layout: PartLayout, outside: ReadonlySet<number>, memory: Memory): void {
  const region = ({ id, ...rest }: ProgramBuffer): number[] | null => {
    const offset = layout.offsets.get(id);
    if (offset === undefined) return null;
    const count = unitsOf({ id, ...rest });
    check(offset % UNIT === 0 && (offset / UNIT + count) * UNIT <= layout.bytes, `buffer ${id} is outside`);
    return Array.from({ length: count }, (_, index) => offset / UNIT + index);
  };
  steps.forEach(({ step, inPlace, scratchBytes }, position) => {
    const inArena = (buffer: ProgramBuffer): boolean => buffer.origin === 'computed' && !outside.has(buffer.id);
    const read = new Map(
      buffersRead(step)
        .filter(inArena)
        .map((buffer) => [buffer, region(buffer)]),
    );
    for (const [buffer, units] of read)
      for (const unit of units as number[]) check(memory[unit] === buffer.id, `buffer ${buffer.id} is gone`);
    const scratch = Array.from(
      { length: Math.ceil(scratchBytes / UNIT) },
      (_, index) => layout.scratchOffsets[position] / UNIT + index,
    );
    check(((scratch.at(-1) ?? -1) + 1) * UNIT <= layout.bytes, 'scratch memory is outside');
    const touched = new Set(scratch);
    for (const units of read.values())
      for (const unit of units as number[]) check(!touched.has(unit), 'scratch memory on an operand');
    for (const output of buffersWritten(step)) {
      if (!inArena(output)) {
        check(!layout.offsets.has(output.id), `buffer ${output.id} has two places`);
        continue;
      }
      const units = region(output) as number[];
      for (const unit of units) {
        check(!touched.has(unit), `result ${output.id} shares memory`);
        touched.add(unit);
      }
      for (const [operand, operandUnits] of read) {
        if (!units.some((unit) => operandUnits?.includes(unit))) continue;
        // Only exactly in the operand's place, and only where the kernel allows it.
        expect([inPlace, operand.length, operand.dtype, operandUnits]).toEqual([
          true,
          output.length,
          output.dtype,
          units,
        ]);
      }
    }
    for (const unit of scratch) memory[unit] = -1;
    for (const output of buffersWritten(step)) for (const unit of region(output) ?? []) memory[unit] = output.id;
  });
}

describe('Arena', () => {
  it('keeps every value until its last use, in all parts', () => {
    const part = fc.array(stepNumbers, { maxLength: 14 });
    fc.assert(
      fc.property(part, part, fc.nat(), fc.array(fc.nat(), { maxLength: 4 }), (first, second, fewer, own) => {
        const maker = new Maker();
        const forward = maker.steps(first);
        const forwardBuffers = [...maker.buffers];
        const backward = maker.steps(second);
        const outside = new Set(own.map((number) => maker.buffers[number % maker.buffers.length].id));
        const computed = (buffer: ProgramBuffer): boolean => buffer.origin === 'computed' && !outside.has(buffer.id);
        const alsoKept = forwardBuffers.filter(computed).filter((_, index) => index % 5 === fewer % 5);
        const arena = new Arena(forward, backward, outside, alsoKept);
        const memory: Memory = [];
        play(forward, arena.forward, outside, memory);
        const saved = [...memory];
        play(backward, arena.backward, outside, memory);
        for (const { id } of alsoKept) {
          const unit = (arena.forward.offsets.get(id) as number) / UNIT;
          expect(memory[unit]).toBe(id);
        }

        // Another part, on what the first one reads, after a spill of no more than that.
        const needed = new Set([...backward.flatMap(({ step }) => buffersRead(step)), ...alsoKept]);
        const known = forwardBuffers.filter((buffer) => !computed(buffer) || needed.has(buffer));
        const smaller = maker.steps(second.slice(0, fewer % (second.length + 1)), known);
        const restored: Memory = [];
        for (const { offset, bytes } of arena.kept)
          for (let unit = offset / UNIT; unit < (offset + bytes) / UNIT; unit++) restored[unit] = saved[unit];
        play(smaller, arena.layOutPart(smaller, outside, alsoKept), outside, restored);
        const again: Memory = [];
        for (const { offset, bytes } of arena.kept)
          for (let unit = offset / UNIT; unit < (offset + bytes) / UNIT; unit++) again[unit] = saved[unit];
        play(backward, arena.backward, outside, again);
      }),
      { numRuns: 400 },
    );
  });

  it('uses memory again: a chain needs two places, one where results may replace operands', () => {
    const numbers = (inPlace: boolean): StepNumbers[] =>
      Array.from({ length: 10 }, (_, index) => ({ inputs: [index], outputs: [4], inPlace, scratch: 0 }));
    for (const [inPlace, places] of [
      [false, 2],
      [true, 1],
    ] as const) {
      const arena = new Arena(new Maker().steps(numbers(inPlace)), [], new Set(), []);
      expect(arena.forward.bytes).toBe(places * Math.ceil((3000 * 4) / UNIT) * UNIT);
      expect(arena.kept).toEqual([]);
    }
  });
});
