/**
 * A program of the WebAssembly backend, ready to run. Nothing is allocated per step but the results: values in between
 * live in an arena that is laid out once, and the arguments of all kernels are filled in before.
 */
import { BackendError } from '../../../errors.js';
import type { Storage } from '../../contract.js';
import { bytesPerElement, type TypedArray } from '../../dtype.js';
import {
  type BackwardOptions,
  type BackwardPart,
  type CompiledProgram,
  inputsOf,
  type KernelProgram,
  outputsOf,
  type ProgramBuffer,
  type ProgramRun,
  type ProgramStep,
} from '../../program.js';
import type { WasmStorage } from '../storage.js';
import { AddressTable } from './addressTable.js';
import { Arena, type PartLayout } from './arena.js';
import { type ArenaPool, RunMemory } from './arenaPool.js';
import { attachEpilogues } from './epilogues.js';
import type { PartStep } from './fusedStep.js';
import { fuseSteps } from './fusion.js';
import { type LoweredStep, lowerSteps, PreparedPart, type StepHost } from './preparedPart.js';

/** What a program needs of its backend. */
export interface ProgramHost extends StepHost {
  readonly arenas: ArenaPool;
  /** A storage in the heap. @throws BackendError `HEAP_FULL` */
  allocate(buffer: ProgramBuffer): WasmStorage;
  /** Where a storage is in the heap. @throws BackendError `HEAP_FULL` if it is elsewhere */
  address(storage: Storage): number;
  copy(from: number, to: number, bytes: number): void;
}

/** A backward part with the memory it needs. */
interface PreparedBackward {
  readonly steps: PreparedPart;
  readonly constants: readonly ProgramBuffer[];
  readonly layout: PartLayout;
  /** Of each gradient, whether the part writes it into its target; others are copied there. */
  readonly written: readonly boolean[];
}

/**
 * Where buffers with memory of their own are in one run. Holds the storages, whatever their tensors hold by the time of
 * the backward part.
 */
type Placed = Map<ProgramBuffer, { readonly storage: Storage; readonly address: number }>;

export class WasmProgram implements CompiledProgram {
  readonly #program: KernelProgram;
  readonly #host: ProgramHost;
  readonly #arena: Arena;
  readonly #table = new AddressTable();
  readonly #forward: PreparedPart;
  readonly #backward = new Map<BackwardPart, PreparedBackward>();
  /** Buffers that the forward part computes. */
  readonly #computed: ReadonlySet<number>;
  /** Buffers of the forward part with memory of their own. */
  readonly #outside: ReadonlySet<number>;
  readonly #constantsNeeded: readonly ProgramBuffer[];
  readonly #constants = new Map<ProgramBuffer, WasmStorage>();

  constructor(program: KernelProgram, host: ProgramHost) {
    this.#program = program;
    this.#host = host;
    const { steps, inputs, results, backward } = program;
    this.#computed = new Set(steps.flatMap((step) => outputsOf(step).map(({ id }) => id)));
    for (const { id } of results) this.#checkResult(id);
    this.#constantsNeeded = [...constantsOf(steps)];
    this.#outside = new Set([...results, ...inputs, ...this.#constantsNeeded].map(({ id }) => id));
    // What of the forward part is read after it. Other backward parts read no more than this one.
    const kept = [...results, ...backward.steps.flatMap(inputsOf), ...backward.inputGradients];
    const forward = lowerSteps(joined(steps, idsOf(kept)), host);
    const main = this.#lowerBackward(backward);
    const outside = new Set([...this.#outside, ...this.#outsideOf(backward)]);
    this.#arena = new Arena(forward, main, outside, this.#copied(backward), host.guard);
    this.#forward = new PreparedPart(forward, this.#arena.forward, this.#table, this.#outside, host);
    this.#prepare(backward, main, this.#arena.backward);
    host.arenas.watch(this, this.#arena.forward.bytes);
  }

  /** Bytes of one run's memory, without results and gradients. */
  get arenaBytes(): number {
    return this.#arena.forward.bytes;
  }

  forward(inputs: readonly Storage[]): ProgramRun {
    const { inputs: given, results: wanted } = this.#program;
    const placed: Placed = new Map(given.map((buffer, index) => [buffer, this.#placed(inputs[index])]));
    this.#placeConstants(this.#constantsNeeded);
    const results = this.#results(inputs);
    wanted.forEach((buffer, index) => {
      if (this.#computed.has(buffer.id)) placed.set(buffer, this.#placed(results[index]));
    });
    const { arenas } = this.#host;
    const memory = new RunMemory(this, this.#arena.kept);
    arenas.borrow(memory, this.#arena.forward.bytes);
    this.#bind(placed);
    try {
      this.#forward.run(addressOf(memory), 'forward');
    } catch (error) {
      arenas.end(memory);
      throw error;
    }
    const end = (): void => {
      arenas.end(memory);
      placed.clear();
    };
    const run: ProgramRun = {
      results,
      backward: (gradients, options = {}) => {
        const found = this.#runBackward(memory, placed, gradients, options);
        if (memory.ended) placed.clear();
        return found;
      },
      dispose: end,
    };
    arenas.watchRun(run, memory);
    return run;
  }

  #placed(storage: Storage): { readonly storage: Storage; readonly address: number } {
    return { storage, address: this.#host.address(storage) };
  }

  #bind(placed: Placed): void {
    for (const [buffer, { address }] of placed) this.#table.bind(buffer, address);
  }

  #checkResult(id: number): void {
    const known = this.#computed.has(id) || this.#program.inputs.some((buffer) => buffer.id === id);
    if (!known && !this.#program.results.some((buffer) => buffer.id === id && buffer.origin === 'constant'))
      throw new BackendError('PROGRAM_RESULT', 'A result of the program is not computed by its forward part.');
  }

  /** Storages for the results. One that is also an input or another result is that storage; a constant is copied. */
  #results(inputs: readonly Storage[]): Storage[] {
    const known = new Map(this.#program.inputs.map(({ id }, index): [number, Storage] => [id, inputs[index]]));
    return this.#program.results.map((buffer) => {
      const storage = known.get(buffer.id) ?? this.#host.allocate(buffer);
      if (buffer.origin === 'constant') (storage as WasmStorage).values.set(buffer.values as TypedArray);
      known.set(buffer.id, storage);
      return storage;
    });
  }

  /** Constants are placed when they are first needed, so that a full heap does not stop the preparation. */
  #placeConstants(constants: Iterable<ProgramBuffer>): void {
    for (const buffer of constants) {
      if (this.#constants.has(buffer)) continue;
      const storage = this.#host.allocate(buffer);
      storage.values.set(buffer.values as TypedArray);
      this.#constants.set(buffer, storage);
      this.#table.bind(buffer, this.#host.address(storage));
    }
  }

  #lowerBackward({ steps, inputGradients }: BackwardPart): LoweredStep[] {
    return lowerSteps(joined(steps, idsOf(inputGradients)), this.#host);
  }

  /** Buffers of a backward part with memory of their own. */
  #outsideOf({ steps, gradients, inputGradients }: BackwardPart): number[] {
    const own = new Set(steps.flatMap((step) => outputsOf(step)));
    return [
      ...gradients,
      ...constantsOf(steps, inputGradients),
      ...inputGradients.filter((buffer) => own.has(buffer)),
    ].map(({ id }) => id);
  }

  /** Gradients that the forward part computed. */
  #copied({ inputGradients }: BackwardPart): ProgramBuffer[] {
    return inputGradients.filter(({ id }) => this.#computed.has(id) && !this.#outside.has(id));
  }

  #prepare(part: BackwardPart, lowered: readonly LoweredStep[], layout: PartLayout): PreparedBackward {
    const own = new Set(part.steps.flatMap((step) => outputsOf(step)));
    const outside = new Set([...this.#outside, ...this.#outsideOf(part)]);
    const prepared: PreparedBackward = {
      steps: new PreparedPart(lowered, layout, this.#table, outside, this.#host),
      constants: [...constantsOf(part.steps, part.inputGradients)],
      layout,
      written: part.inputGradients.map(
        (buffer, index) => own.has(buffer) && part.inputGradients.indexOf(buffer) === index,
      ),
    };
    this.#backward.set(part, prepared);
    return prepared;
  }

  #prepared(part: BackwardPart): PreparedBackward {
    const known = this.#backward.get(part);
    if (known) return known;
    const lowered = this.#lowerBackward(part);
    const outside = new Set([...this.#outside, ...this.#outsideOf(part)]);
    return this.#prepare(part, lowered, this.#arena.layOutPart(lowered, outside, this.#copied(part)));
  }

  #runBackward(
    memory: RunMemory,
    placed: Placed,
    gradients: readonly Storage[],
    { part = this.#program.backward, targets = [], retain = false }: BackwardOptions,
  ): Storage[] {
    if (memory.ended) {
      throw new BackendError('PROGRAM_FINISHED', 'The backward part of this run was done already, and not retained.');
    }
    const { arenas } = this.#host;
    const prepared = this.#prepared(part);
    this.#placeConstants(prepared.constants);
    const results = part.inputGradients.map((buffer, index) => targets[index] ?? this.#host.allocate(buffer));
    const own: Placed = new Map(part.gradients.map((buffer, index) => [buffer, this.#placed(gradients[index])]));
    part.inputGradients.forEach((buffer, index) => {
      if (prepared.written[index]) own.set(buffer, this.#placed(results[index]));
    });
    arenas.borrow(memory, prepared.layout.bytes);
    if (retain) arenas.save(memory);
    // Another run of this program may have been in between.
    this.#bind(placed);
    this.#bind(own);
    try {
      prepared.steps.run(addressOf(memory), 'backward');
      part.inputGradients.forEach((buffer, index) => {
        if (prepared.written[index]) return;
        const offset = prepared.layout.offsets.get(buffer.id);
        const from = offset === undefined ? this.#table.addressOf(buffer) : addressOf(memory) + offset;
        this.#host.copy(from, this.#host.address(results[index]), buffer.length * bytesPerElement(buffer.dtype));
      });
    } finally {
      if (retain) arenas.giveBack(memory);
      else arenas.end(memory);
    }
    return results;
  }
}

const addressOf = ({ block }: RunMemory): number => (block as { address: number }).address;

const idsOf = (buffers: readonly ProgramBuffer[]): Set<number> => new Set(buffers.map(({ id }) => id));

const constantsOf = (steps: readonly ProgramStep[], others: readonly ProgramBuffer[] = []): Set<ProgramBuffer> =>
  new Set([...steps.flatMap(inputsOf), ...others].filter(({ origin }) => origin === 'constant'));

/** The steps of a part, joined where that saves passes over memory. */
const joined = (steps: readonly ProgramStep[], needed: ReadonlySet<number>): PartStep[] =>
  attachEpilogues(fuseSteps(steps, needed), needed);
