/** A part of a program, ready to run: compiled functions, each with an array of arguments that is filled in beforehand. */
import { BackendError } from '../../../errors.js';
import type { TensorType } from '../../contract.js';
import { bytesPerElement, type TypedArray } from '../../dtype.js';
import { isKernelStep, isReadStep, type KernelStep, type ProgramBuffer, type ProgramStep } from '../../program.js';
import type { KernelFunction, WasmCall } from '../kernel.js';
import type { Profiler, StepTime } from '../profiler.js';
import type { PhaseCall } from '../threads/phaseCall.js';
import type { PhaseRunner } from '../threads/runner.js';
import { type AddressTable, ArenaAddresses } from './addressTable.js';
import type { PartLayout, PlannedStep } from './arena.js';
import { buffersRead, buffersWritten, describePartStep, isFused, operandsOf, type PartStep } from './fusedStep.js';
import { StepGuard, type ViewBytes } from './stepGuard.js';

/** What preparing and running a part needs of the backend. */
export interface StepHost {
  /** The WebAssembly form of a step, or null. */
  lower(step: KernelStep): WasmCall | null;
  /** The phases of each call, compiled. */
  phases(
    steps: readonly { readonly call: WasmCall; readonly operands: readonly TensorType[] }[],
  ): readonly (readonly PhaseCall[])[];
  readonly runner: PhaseRunner;
  readonly profiler: Profiler;
  /** Bytes of the guards around the values of an arena; 0 for none. */
  readonly guard: number;
  bytes: ViewBytes;
  /** Runs a step as the reference kernel. */
  fallback(step: KernelStep, inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void;
  view(buffer: ProgramBuffer, address: number): TypedArray;
}

/** Steps that are lowered but have no memory yet. */
export interface LoweredStep extends PlannedStep {
  readonly call: WasmCall | null;
}

export function lowerSteps(steps: readonly PartStep[], host: StepHost): LoweredStep[] {
  return steps.map((step) => {
    const call = isFused(step) ? step.call : isKernelStep(step) ? host.lower(step) : null;
    return { step, call, inPlace: isFused(step) && step.inPlace, scratchBytes: call?.scratchBytes ?? 0 };
  });
}

/** A phase of a kernel, or host code, with its arguments. */
interface Operation {
  /** Position of the step that it belongs to. */
  readonly step: number;
  readonly work: PhaseCall | KernelFunction;
  readonly values: number[];
}

export class PreparedPart {
  readonly #runner: PhaseRunner;
  readonly #profiler: Profiler;
  readonly #steps: readonly LoweredStep[];
  readonly #arena = new ArenaAddresses();
  readonly #operations: readonly Operation[];
  /** Of each step; null without guards. */
  readonly #guards: readonly StepGuard[] | null;

  /** @param outside Buffers that have addresses in the table; the others are in the arena. */
  constructor(
    steps: readonly LoweredStep[],
    layout: PartLayout,
    table: AddressTable,
    outside: ReadonlySet<number>,
    host: StepHost,
  ) {
    this.#runner = host.runner;
    this.#profiler = host.profiler;
    this.#steps = steps;
    this.#guards = host.guard > 0 ? steps.map((step, index) => guardOf(step, index, layout, host)) : null;
    const follow = (buffer: ProgramBuffer, values: number[], position: number): void => {
      const offset = layout.offsets.get(buffer.id);
      if (offset !== undefined) this.#arena.follow(offset, values, position);
      else if (outside.has(buffer.id)) table.follow(buffer, values, position);
      else {
        throw new BackendError(
          'PROGRAM_BUFFER',
          `The program uses buffer ${buffer.id} (${buffer.origin}, ${buffer.length} ${buffer.dtype}) before it exists.`,
        );
      }
    };
    const calls = steps.flatMap(({ step, call }) => (call ? [{ call, operands: operandsOf(step) }] : []));
    const phases = new Map(host.phases(calls).map((each, index) => [calls[index].call, each]));
    this.#operations = steps.flatMap(({ step, call }, index): Operation[] => {
      const addresses = (): number[] => {
        const values: number[] = [];
        for (const buffer of [...buffersRead(step), ...buffersWritten(step)]) follow(buffer, values, values.length);
        return values;
      };
      if (!call) return [{ step: index, work: onHost(step as ProgramStep, host), values: addresses() }];
      return (phases.get(call) as readonly PhaseCall[]).map((phase) => {
        const values = addresses();
        if (call.scratchBytes) this.#arena.follow(layout.scratchOffsets[index], values, values.length);
        values.push(...(call.scalars ?? []), 0, phase.units);
        return { step: index, work: phase, values };
      });
    });
  }

  /**
   * Runs the steps in an arena.
   * @param part How a profile calls the part.
   */
  run(arena: number, part: StepTime['part']): void {
    this.#arena.moveTo(arena);
    if (this.#profiler.active || this.#guards) this.#runOneByOne(arena, part);
    else this.#runAll(this.#operations);
  }

  #runAll(operations: readonly Operation[]): void {
    this.#runner.begin();
    for (const { work, values } of operations) {
      if (typeof work === 'function') {
        this.#runner.finish();
        work(...values);
        this.#runner.begin();
      } else this.#runner.add(work, values);
    }
    this.#runner.finish();
  }

  /** Each step is finished before the next begins. */
  #runOneByOne(arena: number, part: StepTime['part']): void {
    let next = 0;
    this.#steps.forEach(({ step }, index) => {
      const first = next;
      while (this.#operations[next]?.step === index) next++;
      const guard = this.#guards?.[index];
      guard?.fill(arena);
      const started = performance.now();
      this.#runAll(this.#operations.slice(first, next));
      if (this.#profiler.active) this.#profiler.add(part, index, started, describePartStep(step));
      guard?.check(arena);
    });
  }
}

/** Guards of what a step has in the arena. */
function guardOf(
  { step, scratchBytes }: LoweredStep,
  index: number,
  { offsets, scratchOffsets }: PartLayout,
  { guard, bytes }: StepHost,
): StepGuard {
  const buffers = [...new Set([...buffersRead(step), ...buffersWritten(step)])];
  const ranges = buffers.flatMap(({ id, length, dtype }) => {
    const offset = offsets.get(id);
    return offset === undefined ? [] : [{ offset, bytes: length * bytesPerElement(dtype) }];
  });
  if (scratchBytes > 0) ranges.push({ offset: scratchOffsets[index], bytes: scratchBytes });
  return new StepGuard(describePartStep(step).name, ranges, guard, bytes);
}

/** A step that runs in JavaScript, as a function of addresses. */
function onHost(step: ProgramStep, host: StepHost): KernelFunction {
  if (isReadStep(step)) return (address) => step.read(host.view(step.input, address));
  if (!isKernelStep(step)) {
    return (address) => {
      host.view(step.output, address).set(step.make());
    };
  }
  const count = step.inputs.length;
  return (...addresses) => {
    const inputs = step.inputs.map(({ buffer }, index) => host.view(buffer, addresses[index]));
    const outputs = step.outputs.map(({ buffer }, index) => host.view(buffer, addresses[count + index]).fill(0));
    host.fallback(step, inputs, outputs);
  };
}
