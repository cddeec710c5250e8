/**
 * A program of the GPU.js backend, ready to run: its sources are joined and packed once, and a run is a list of launches.
 * Memory is not laid out: each launch makes an array, which is freed when the last that reads it has been launched.
 */
import { BackendError } from '../../../errors.js';
import type { Storage } from '../../contract.js';
import type { TypedArray } from '../../dtype.js';
import {
  type BackwardOptions,
  type BackwardPart,
  type CompiledProgram,
  inputsOf,
  type KernelProgram,
  outputsOf,
  type ProgramBuffer,
  type ProgramRun,
} from '../../program.js';
import type { Executor } from '../executor.js';
import { after, type Maybe } from '../maybe.js';
import { Content, type GpuJsStorage, type Lease } from '../storage.js';
import { PreparedPart } from './preparedPart.js';

/** What a program needs of its backend. */
export interface ProgramHost {
  readonly executor: Executor;
  /** What a storage holds. @throws BackendError if it is not a live storage of the backend */
  leaseOf(storage: Storage): Lease;
  store(type: Storage, content: Maybe<Content>): GpuJsStorage;
}

/** What a run keeps for its backward part, whatever tensors hold by then. */
type Kept = Map<ProgramBuffer, Lease>;

export class GpuJsProgram implements CompiledProgram {
  readonly #program: KernelProgram;
  readonly #host: ProgramHost;
  readonly #forward: PreparedPart;
  readonly #backward = new Map<BackwardPart, PreparedPart>();
  /** Buffers that the forward part computes and others read after it. */
  readonly #outside: readonly ProgramBuffer[];
  readonly #constants = new Map<ProgramBuffer, Content>();

  constructor(program: KernelProgram, host: ProgramHost) {
    this.#program = program;
    this.#host = host;
    const { steps, results, inputs, backward } = program;
    const computed = new Set(steps.flatMap(outputsOf));
    for (const buffer of results) {
      if (!computed.has(buffer) && !inputs.includes(buffer) && buffer.origin !== 'constant')
        throw new BackendError('PROGRAM_RESULT', 'A result of the program is not computed by its forward part.');
    }
    const read = [...results, ...backward.steps.flatMap(inputsOf), ...backward.inputGradients];
    this.#outside = [...new Set(read)].filter((buffer) => computed.has(buffer));
    this.#forward = new PreparedPart(steps, new Set(this.#outside), host.executor);
    this.#prepared(backward);
  }

  forward(inputs: readonly Storage[]): ProgramRun {
    const { executor } = this.#host;
    executor.device.faults.check();
    const { inputs: given, results: wanted } = this.#program;
    const kept: Kept = new Map(given.map((buffer, index) => [buffer, this.#host.leaseOf(inputs[index])]));
    for (const lease of kept.values()) lease.pin();
    let run: ReturnType<PreparedPart['run']>;
    try {
      run = this.#forward.run((buffer) => this.#contentOf(buffer, kept));
    } catch (error) {
      for (const lease of kept.values()) lease.unpin();
      throw error;
    }
    const storages = new Map(given.map((buffer, index): [ProgramBuffer, Storage] => [buffer, inputs[index]]));
    const results = wanted.map((buffer) => {
      const storage = storages.get(buffer) ?? this.#host.store(buffer, this.#resultOf(buffer, run));
      storages.set(buffer, storage);
      return storage;
    });
    for (const buffer of this.#outside) {
      const storage = storages.get(buffer);
      const lease = storage ? this.#host.leaseOf(storage) : executor.lease(run.of(buffer));
      lease.pin();
      // Nobody but the run has it.
      if (!storage) lease.release();
      kept.set(buffer, lease);
    }
    return new GpuJsRun(results, kept, run.launched, (gradients, options) =>
      this.#runBackward(kept, gradients, options),
    );
  }

  #resultOf(buffer: ProgramBuffer, run: ReturnType<PreparedPart['run']>): Maybe<Content> {
    if (buffer.origin !== 'constant') return run.of(buffer);
    return new Content(buffer.dtype, (buffer.values as TypedArray).slice(), undefined);
  }

  #contentOf(buffer: ProgramBuffer, kept: Kept): Maybe<Content> {
    const lease = kept.get(buffer);
    if (lease) return lease.content;
    if (buffer.origin !== 'constant') {
      throw new BackendError(
        'PROGRAM_BUFFER',
        `The program uses buffer ${buffer.id} (${buffer.origin}, ${buffer.length} ${buffer.dtype}) before it exists.`,
      );
    }
    const content = this.#constants.get(buffer) ?? new Content(buffer.dtype, buffer.values, undefined);
    this.#constants.set(buffer, content);
    return content;
  }

  #prepared(part: BackwardPart): PreparedPart {
    const known = this.#backward.get(part);
    if (known) return known;
    const prepared = new PreparedPart(part.steps, new Set(part.inputGradients), this.#host.executor);
    this.#backward.set(part, prepared);
    return prepared;
  }

  #runBackward(kept: Kept, gradients: readonly Storage[], options: BackwardOptions): BackwardRun {
    const { executor } = this.#host;
    executor.device.faults.check();
    const { part = this.#program.backward, targets = [] } = options;
    const prepared = this.#prepared(part);
    const leases = gradients.map((storage) => this.#host.leaseOf(storage));
    for (const lease of leases) lease.pin();
    const unpin = (): void => {
      for (const lease of leases) lease.unpin();
    };
    const all: Kept = new Map([
      ...kept,
      ...part.gradients.map((buffer, index): [ProgramBuffer, Lease] => [buffer, leases[index]]),
    ]);
    let run: ReturnType<PreparedPart['run']>;
    try {
      run = prepared.run((buffer) => this.#contentOf(buffer, all));
    } catch (error) {
      unpin();
      throw error;
    }
    const own = new Set(part.steps.flatMap(outputsOf));
    const contents = part.inputGradients.map((buffer, index): Maybe<Content> => {
      const content = own.has(buffer) ? run.of(buffer) : this.#contentOf(buffer, all);
      const isFirst = own.has(buffer) && part.inputGradients.indexOf(buffer) === index;
      return isFirst ? content : after(content, (each) => executor.copyOf(each));
    });
    const storages = part.inputGradients.map((buffer, index) => {
      const target = targets[index] as GpuJsStorage | null | undefined;
      if (!target) return this.#host.store(buffer, contents[index]);
      target.replace(executor.lease(contents[index]));
      return target;
    });
    if (run.launched instanceof Promise) run.launched.then(unpin);
    else unpin();
    return { storages, launched: run.launched };
  }
}

interface BackwardRun {
  readonly storages: readonly Storage[];
  readonly launched: Maybe<void>;
}

class GpuJsRun implements ProgramRun {
  readonly results: readonly Storage[];
  readonly #kept: Kept;
  readonly #backward: (gradients: readonly Storage[], options: BackwardOptions) => BackwardRun;
  /** What still reads what is kept. */
  #launched: Maybe<void>;
  #ended = false;

  constructor(
    results: readonly Storage[],
    kept: Kept,
    launched: Maybe<void>,
    backward: (gradients: readonly Storage[], options: BackwardOptions) => BackwardRun,
  ) {
    this.results = results;
    this.#kept = kept;
    this.#launched = launched;
    this.#backward = backward;
  }

  backward(gradients: readonly Storage[], options: BackwardOptions = {}): readonly Storage[] {
    if (this.#ended) {
      throw new BackendError('PROGRAM_FINISHED', 'The backward part of this run was done already, and not retained.');
    }
    const { storages, launched } = this.#backward(gradients, options);
    const before = this.#launched;
    this.#launched = after(launched, () => before);
    if (!options.retain) this.dispose();
    return storages;
  }

  dispose(): void {
    if (this.#ended) return;
    this.#ended = true;
    const leases = [...this.#kept.values()];
    this.#kept.clear();
    const end = (): void => {
      for (const lease of leases) lease.unpin();
    };
    if (this.#launched instanceof Promise) this.#launched.then(end);
    else end();
  }
}
