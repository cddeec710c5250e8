/**
 * A program of the WebAssembly backend, ready to run: each step is a list of compiled functions with their arguments.
 * Only addresses that differ from run to run are filled in; nothing is allocated per step but the results.
 */
import { BackendError } from '../../../errors.js';
import type { Storage } from '../../contract.js';
import type { TypedArray } from '../../dtype.js';
import {
  type CompiledProgram,
  type GenerateStep,
  isKernelStep,
  type KernelProgram,
  type KernelStep,
  type ProgramBuffer,
  type ProgramRun,
} from '../../program.js';
import type { KernelFunction } from '../compiler.js';
import type { Block } from '../heap.js';
import type { WasmCall } from '../kernel.js';
import type { WasmStorage } from '../storage.js';
import { type ArenaLayout, layOutArena, outputsOf } from './arena.js';

/** What a program needs of its backend. */
export interface ProgramHost {
  /** The WebAssembly form of a step, or null. */
  lower(step: KernelStep): WasmCall | null;
  functions(call: WasmCall): readonly KernelFunction[];
  /** Runs a step as the reference kernel. */
  fallback(step: KernelStep, inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void;
  allocate(buffer: ProgramBuffer): WasmStorage;
  allocateBlock(bytes: number): Block;
  releaseBlock(block: Block): void;
  view(buffer: ProgramBuffer, address: number): TypedArray;
  address(storage: Storage): number;
}

/** A step with what is known of it before a run. */
type PreparedStep =
  | {
      readonly kind: 'wasm';
      readonly functions: readonly KernelFunction[];
      readonly units: readonly number[];
      readonly operands: readonly ProgramBuffer[];
      readonly scratch: number | null;
      readonly scalars: readonly number[];
    }
  | { readonly kind: 'reference'; readonly step: KernelStep }
  | { readonly kind: 'generate'; readonly step: GenerateStep };

/** Memory of one run: the arena, and the gradients that the backward part hands out. */
interface Workspace {
  readonly arena: Block;
  readonly gradients: WasmStorage[];
}

export class WasmProgram implements CompiledProgram {
  readonly #program: KernelProgram;
  readonly #host: ProgramHost;
  readonly #steps: readonly PreparedStep[];
  readonly #layout: ArenaLayout;
  readonly #constants = new Map<number, WasmStorage>();
  /** Workspaces that no run uses. Usually there is one; two forward passes before a backward pass need two. */
  readonly #idle: Workspace[] = [];
  readonly #abandoned = new FinalizationRegistry<Workspace>((workspace) => this.#idle.push(workspace));

  constructor(program: KernelProgram, host: ProgramHost) {
    this.#program = program;
    this.#host = host;
    const calls = program.steps.map((step) => (isKernelStep(step) ? host.lower(step) : null));
    const outside = new Set([...program.results, ...program.inputGradients].map(({ id }) => id));
    const layout = layOutArena(
      program,
      outside,
      calls.map((call) => call?.scratchBytes ?? 0),
    );
    this.#layout = layout;
    this.#steps = program.steps.map((step, index): PreparedStep => {
      if (!isKernelStep(step)) return { kind: 'generate', step };
      const call = calls[index];
      if (!call) return { kind: 'reference', step };
      return {
        kind: 'wasm',
        functions: host.functions(call),
        units: call.phases.map(({ units }) => units),
        operands: [...step.inputs, ...step.outputs].map(({ buffer }) => buffer),
        scratch: call.scratchBytes ? layout.scratchOffsets[index] : null,
        scalars: call.scalars ?? [],
      };
    });
    for (const step of program.steps) {
      if (!isKernelStep(step)) continue;
      for (const { buffer } of step.inputs) {
        if (buffer.origin !== 'constant' || this.#constants.has(buffer.id)) continue;
        const storage = host.allocate(buffer);
        storage.values.set(buffer.values as TypedArray);
        this.#constants.set(buffer.id, storage);
      }
    }
  }

  /** Bytes of one run's memory, without results and gradients. */
  get arenaBytes(): number {
    return this.#layout.bytes;
  }

  forward(inputs: readonly Storage[]): ProgramRun {
    const { results, forwardSteps, steps } = this.#program;
    const workspace = this.#idle.pop() ?? this.#makeWorkspace();
    const addresses = new Map<number, number>();
    const bind = (buffer: ProgramBuffer, storage: Storage): void => {
      addresses.set(buffer.id, this.#host.address(storage));
    };
    this.#program.inputs.forEach((buffer, index) => {
      bind(buffer, inputs[index]);
    });
    for (const [id, storage] of this.#constants) addresses.set(id, this.#host.address(storage));
    for (const [id, offset] of this.#layout.offsets) addresses.set(id, workspace.arena.address + offset);
    this.#program.inputGradients.forEach((buffer, index) => {
      bind(buffer, workspace.gradients[index]);
    });
    // A result that is also an input, a constant or another result keeps that storage.
    const computed = new Set(steps.slice(0, forwardSteps).flatMap((step) => outputsOf(step).map(({ id }) => id)));
    const owned = new Map<number, Storage>();
    for (const [index, buffer] of this.#program.inputs.entries()) owned.set(buffer.id, inputs[index]);
    for (const [id, storage] of this.#constants) owned.set(id, storage);
    const storages = results.map((buffer) => {
      const known = owned.get(buffer.id);
      if (known) return known;
      if (!computed.has(buffer.id))
        throw new BackendError('PROGRAM_RESULT', 'A result of the program is not computed by its forward part.');
      const storage = this.#host.allocate(buffer);
      owned.set(buffer.id, storage);
      bind(buffer, storage);
      return storage;
    });
    this.#execute(0, forwardSteps, addresses, workspace);
    return this.#makeRun(storages, addresses, workspace, inputs);
  }

  #makeRun(
    results: readonly Storage[],
    addresses: Map<number, number>,
    workspace: Workspace,
    inputs: readonly Storage[],
  ): ProgramRun {
    const token = {};
    let open = true;
    const close = (): void => {
      open = false;
      this.#abandoned.unregister(token);
      this.#idle.push(workspace);
    };
    const run: ProgramRun = {
      results,
      backward: (gradients, keep) => {
        if (!open) throw new BackendError('PROGRAM_FINISHED', 'The backward part of this run was done already.');
        this.#program.inputGradients.forEach((buffer, index) => {
          if (keep(workspace.gradients[index])) workspace.gradients[index] = this.#host.allocate(buffer);
          addresses.set(buffer.id, this.#host.address(workspace.gradients[index]));
        });
        this.#program.gradients.forEach((buffer, index) => {
          addresses.set(buffer.id, this.#host.address(gradients[index]));
        });
        this.#execute(this.#program.forwardSteps, this.#program.steps.length, addresses, workspace);
        close();
        // The storages that the run was given must live until here, whatever their tensors hold by now.
        void inputs.length;
        return [...workspace.gradients];
      },
      dispose: () => {
        if (open) close();
      },
    };
    this.#abandoned.register(run, workspace, token);
    return run;
  }

  #makeWorkspace(): Workspace {
    return {
      arena: this.#host.allocateBlock(Math.max(this.#layout.bytes, 1)),
      gradients: this.#program.inputGradients.map((buffer) => this.#host.allocate(buffer)),
    };
  }

  #execute(from: number, to: number, addresses: ReadonlyMap<number, number>, workspace: Workspace): void {
    const addressOf = (buffer: ProgramBuffer): number => {
      const address = addresses.get(buffer.id);
      if (address === undefined)
        throw new BackendError(
          'PROGRAM_BUFFER',
          `The program reads buffer ${buffer.id} (${buffer.origin}, ${buffer.length} ${buffer.dtype}) before it exists.`,
        );
      return address;
    };
    for (let index = from; index < to; index++) {
      const prepared = this.#steps[index];
      if (prepared.kind === 'wasm') {
        const values = prepared.operands.map(addressOf);
        if (prepared.scratch !== null) values.push(workspace.arena.address + prepared.scratch);
        values.push(...prepared.scalars);
        for (let phase = 0; phase < prepared.functions.length; phase++) {
          if (prepared.units[phase] > 0) prepared.functions[phase](...values, 0, prepared.units[phase]);
        }
      } else if (prepared.kind === 'reference') {
        const { step } = prepared;
        const inputs = step.inputs.map(({ buffer }) => this.#host.view(buffer, addressOf(buffer)));
        const outputs = step.outputs.map(({ buffer }) => this.#host.view(buffer, addressOf(buffer)).fill(0));
        this.#host.fallback(step, inputs, outputs);
      } else {
        const { make, output } = prepared.step;
        this.#host.view(output, addressOf(output)).set(make());
      }
    }
  }
}
