/**
 * Runs kernel calls in order, each phase on one thread or split over all. A sequence of calls is published to the
 * workers as one list: they run ahead from barrier to barrier without the calling thread's help.
 */
import type { BackendError } from '../../../errors.js';
import { checkThreadCount, threadChoice } from './count.js';
import { Crew, trapped } from './crew.js';
import { findThreadHost, knownThreadHost, type ThreadHost } from './host.js';
import type { PhaseCall } from './phaseCall.js';

/** Cost from which it pays to share a phase with threads that spin; see `ThreadOptions`. */
const MINIMUM_SHARED = 16_384;
/** Waking threads, or starting them, pays from this many times more on: some 50 microseconds. */
const WAKING_FACTOR = 16;

export interface ThreadOptions {
  /** Threads that kernels run on, the calling one included. Default: what `setThreads` says, else the number of cores. */
  readonly threads?: number;
  /**
   * Least work, in elements or multiply-adds, of a pass that threads share; 16 times as much wakes sleeping ones. Results
   * do not depend on it. Default: 16384, about a microsecond.
   */
  readonly minimumShared?: number;
}

/** What the backend and its programs use. A sequence is `begin`, any number of `add`, `finish`. */
export interface PhaseRunner {
  /** Begins a sequence, and forgets one that was not finished. */
  begin(): void;
  /**
   * Adds a call, which runs when all before it are done, at `finish` at the latest.
   * @param values All arguments of the function: addresses, scalars, 0, and the number of units. They are read at once;
   *   the caller may change the array afterwards.
   * @param independent Whether it may run beside the call before it. Default: false.
   */
  add(call: PhaseCall, values: readonly number[], independent?: boolean): void;
  /**
   * Returns when all calls are done.
   * @throws BackendError `KERNEL_TRAPPED`, `WORKER_DIED`
   */
  finish(): void;
}

/** The crew, apart from the runner so that it can be ended when the runner is collected. */
interface CrewHolder {
  crew: Crew | null;
}

const abandoned = new FinalizationRegistry<CrewHolder>(({ crew }) => void crew?.dispose());

export class ThreadedRunner implements PhaseRunner {
  readonly #memory: WebAssembly.Memory;
  /** False where the memory cannot be shared. */
  readonly #possible: boolean;
  readonly #holder: CrewHolder = { crew: null };
  /** The number that this backend was told; null: the common setting. */
  #own: number | null;
  readonly #minimumShared: number;
  /** After a failure: the state of the common setting at that time. There are no threads until it is set anew. */
  #stoppedAt: number | null = null;
  #stopped: string | null = null;
  /** Threads of the present sequence. */
  #threads = 1;
  #sharedCost = 0;

  /** @throws ValidationError `THREAD_COUNT` */
  constructor(memory: WebAssembly.Memory, shared: boolean, options: ThreadOptions = {}) {
    const { threads, minimumShared = MINIMUM_SHARED } = options;
    this.#minimumShared = minimumShared;
    this.#memory = memory;
    this.#possible = shared && knownThreadHost() !== null;
    this.#own = threads === undefined ? null : checkThreadCount(threads);
    abandoned.register(this, this.#holder);
    // Where this takes a turn of the event loop, threads join after it.
    void findThreadHost();
  }

  /** Threads that kernels are run on now, the calling one included. Workers start when the first work is worth it. */
  get threads(): number {
    return this.#holder.crew?.threads ?? 1;
  }

  /** Why kernels run on fewer threads than is wanted, as a sentence; null if nothing went wrong. */
  get problem(): string | null {
    if (this.#stoppedAt === threadChoice().changes && this.#stopped) return this.#stopped;
    const refused = this.#holder.crew?.refused;
    return refused ? `Threads could not be started: ${refused}.` : null;
  }

  /**
   * Sets the number of threads of this backend, and waits until they run.
   * @throws ValidationError `THREAD_COUNT`
   * @throws BackendError `WORKER_DIED` if a thread cannot be started
   */
  async setThreads(count: number): Promise<void> {
    this.#own = checkThreadCount(count);
    this.#stoppedAt = null;
    await this.startThreads();
  }

  /**
   * Starts the threads that are wanted, and waits until they run. Without it they start when the first work is worth it.
   * @throws BackendError `WORKER_DIED` if one cannot be started; `problem` then says why
   */
  async startThreads(): Promise<void> {
    this.#adjust();
    const host = this.#possible ? await findThreadHost() : null;
    if (!host || this.#wanted() < 2) return;
    const crew = this.#start(host);
    crew.hold(true);
    try {
      await crew.ready;
    } finally {
      crew.hold(false);
    }
  }

  begin(): void {
    const crew = this.#adjust();
    if (crew?.failure) this.#stop(crew.failure);
    crew?.calls.clear();
    this.#threads = crew?.threads ?? 1;
    this.#sharedCost = 0;
  }

  add(call: PhaseCall, values: readonly number[], independent = false): void {
    const { crew } = this.#holder;
    const shared = call.units > 1 && call.cost >= this.#minimumShared;
    if (shared) this.#sharedCost += call.cost;
    // What the calling thread does alone before anything is shared need not wait for the list.
    if (this.#threads === 1 || !crew || (!shared && crew.calls.length === 0)) {
      try {
        call.function(...values);
      } catch (error) {
        throw trapped(call.key, 0, error);
      }
      return;
    }
    if (!crew.calls.hasRoom(values.length)) {
      this.#run(crew);
      crew.calls.clear();
    }
    crew.calls.add(call, values, shared, independent);
  }

  finish(): void {
    const { crew } = this.#holder;
    if (this.#threads > 1 && crew) {
      if (crew.calls.length === 0) return;
      this.#run(crew);
      crew.calls.clear();
    } else if (!crew && this.#sharedCost >= this.#minimumShared * WAKING_FACTOR && this.#wanted() > 1) {
      const host = knownThreadHost();
      if (host) this.#start(host);
    }
  }

  /** Ends the threads. Kernels go on with one until `setThreads` starts others. */
  async dispose(): Promise<void> {
    this.#own = 1;
    const { crew } = this.#holder;
    this.#holder.crew = null;
    await crew?.dispose();
  }

  #wanted(): number {
    const { count, changes } = threadChoice();
    if (!this.#possible || this.#stoppedAt === changes) return 1;
    return this.#own ?? count;
  }

  /** Ends a crew whose size is no longer wanted. */
  #adjust(): Crew | null {
    const { crew } = this.#holder;
    if (!crew || crew.size === this.#wanted()) return crew;
    void crew.dispose();
    this.#holder.crew = null;
    return null;
  }

  #start(host: ThreadHost): Crew {
    this.#holder.crew ??= new Crew(host, this.#memory, this.#wanted());
    return this.#holder.crew;
  }

  #run(crew: Crew): void {
    const enough = this.#minimumShared * (crew.asleep ? WAKING_FACTOR : 1);
    if (this.#sharedCost >= enough) {
      try {
        crew.run(this.#threads);
      } catch (error) {
        if (crew.failure) this.#stop(crew.failure);
        throw error;
      }
    } else crew.runAlone();
  }

  /** After a thread has died: no others until the number is set anew. */
  #stop(failure: BackendError): never {
    this.#stoppedAt = threadChoice().changes;
    this.#stopped = failure.message;
    void this.#holder.crew?.dispose();
    this.#holder.crew = null;
    throw failure;
  }
}
