/**
 * The worker threads of one backend: they are started together, do the jobs they are given together with the calling
 * thread, and end together. A different number of threads is a new crew.
 */
import { BackendError } from '../../../errors.js';
import { CallList } from './callList.js';
import type { LoadableModule } from './functionTable.js';
import type { ThreadHost, WorkerHandle } from './host.js';
import { CALLER_SPIN, createControl, JOBS, MODULE_WORDS, SPINS, WORDS, WORDS_PER_LINE } from './layout.js';

/** While it waits for long, the calling thread looks this often, in milliseconds, whether the others still live. */
const WATCH_INTERVAL = 20;
/** Looks after which a silent worker is given up where the platform cannot tell whether it lives, as in browsers: 20 seconds. */
const WATCH_LIMIT = 1000;

interface CrewWorker {
  readonly thread: number;
  readonly handle: WorkerHandle;
  readonly loaded: WeakSet<LoadableModule>;
}

const bellOf = (thread: number): number => WORDS.bells + thread * WORDS_PER_LINE;

/** Whether this thread may sleep; a browser's main thread may not. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

export class Crew {
  /** Threads that the crew has when all have started, the calling one included. */
  readonly size: number;
  readonly calls: CallList;
  /** Settles when all workers run, or one of them cannot. */
  readonly ready: Promise<void>;
  readonly #control = createControl();
  readonly #workers: CrewWorker[] = [];
  readonly #sleeps = maySleep();
  #running = 1;
  /** Modules that all running workers have. */
  #everywhere = new WeakSet<LoadableModule>();
  #failure: BackendError | null = null;
  /** Why a worker could not start. */
  #refused: string | null = null;
  #over = false;

  constructor(host: ThreadHost, memory: WebAssembly.Memory, size: number) {
    this.size = size;
    this.calls = new CallList(this.#control);
    const starts: Promise<void>[] = [];
    for (let thread = 1; thread < size; thread++) {
      const start = new Promise<void>((resolve, reject) => {
        const handle = host.start(
          { control: this.#control, memory, thread },
          {
            ready: resolve,
            ended: (cause) => {
              this.#ended(thread, cause);
              reject(died(thread, cause));
            },
          },
        );
        this.#workers.push({ thread, handle, loaded: new WeakSet() });
      });
      starts.push(start);
    }
    this.ready = Promise.all(starts).then(() => {});
    // Whoever waits for it hears of a failure; nobody needs to.
    this.ready.catch(() => {});
  }

  /** Threads that take part in the next job. A worker that has not started yet does not hold up the others. */
  get threads(): number {
    while (this.#running < this.size && Atomics.load(this.#control, bellOf(this.#running) + WORDS.ready) === 1) {
      this.#running++;
      this.#everywhere = new WeakSet();
    }
    return this.#running;
  }

  /** Whether a worker would have to be woken. */
  get asleep(): boolean {
    return Atomics.load(this.#control, WORDS.sleeping) > 0;
  }

  /** Set once a thread has ended that should not have. */
  get failure(): BackendError | null {
    return this.#failure;
  }

  /** Why a worker could not start; null if none failed to. */
  get refused(): string | null {
    return this.#refused;
  }

  /** Whether the process waits for the workers. */
  hold(held: boolean): void {
    for (const { handle } of this.#workers) handle.hold(held);
  }

  /**
   * Runs the list of calls on all `threads`.
   * @throws BackendError `WORKER_DIED`; the crew is then over. `KERNEL_INVALID` if a worker cannot load a module.
   *   `KERNEL_TRAPPED` if a kernel fails in any thread.
   */
  run(threads: number): void {
    const workers = this.#workers.slice(0, threads - 1);
    for (const module of this.calls.modules) if (!this.#everywhere.has(module)) this.#deliver(module, workers);
    this.#control[WORDS.count] = this.calls.length;
    this.#publish(JOBS.calls, workers);
    const failure = this.calls.run(threads, () => this.#barrier(threads));
    this.#barrier(threads);
    const elsewhere = this.#takeError();
    if (failure) throw trapped(this.calls.at(failure.position).key, 0, failure.error);
    if (elsewhere) throw trapped(this.calls.at(elsewhere.call).key, elsewhere.thread, new Error(elsewhere.text));
  }

  /** Runs the list of calls on the calling thread. */
  runAlone(): void {
    const failure = this.calls.run(1, () => {});
    if (failure) throw trapped(this.calls.at(failure.position).key, 0, failure.error);
  }

  /** Ends the threads. */
  async dispose(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#workers.map(({ handle }) => handle.terminate()));
  }

  /** Gives a module to the workers that lack it, in parts that fit the shared words. */
  #deliver(module: LoadableModule, workers: readonly CrewWorker[]): void {
    const lacking = workers.filter(({ loaded }) => !loaded.has(module));
    const { names, numbers, bytes } = module;
    const header = new TextEncoder().encode(JSON.stringify({ names, numbers }));
    const message = new Uint8Array(4 + header.length + bytes.length);
    new DataView(message.buffer).setUint32(0, header.length, true);
    message.set(header, 4);
    message.set(bytes, 4 + header.length);
    const room = MODULE_WORDS * 4;
    const shared = new Uint8Array(this.#control.buffer, WORDS.module * 4, room);
    for (let offset = 0; lacking.length > 0 && offset < message.length; offset += room) {
      const part = message.subarray(offset, offset + room);
      shared.set(part);
      this.#control[WORDS.total] = message.length;
      this.#control[WORDS.offset] = offset;
      this.#control[WORDS.count] = part.length;
      this.#publish(JOBS.module, lacking);
      this.#barrier(lacking.length + 1);
    }
    const error = this.#takeError();
    if (error)
      throw new BackendError(
        'KERNEL_INVALID',
        `Worker thread ${error.thread} could not load a WebAssembly module of ${bytes.length} bytes: ${error.text}`,
        { thread: error.thread },
      );
    for (const { loaded } of lacking) loaded.add(module);
    this.#everywhere.add(module);
  }

  #publish(job: number, workers: readonly CrewWorker[]): void {
    this.#control[WORDS.job] = job;
    this.#control[WORDS.threads] = workers.length + 1;
    for (const { thread } of workers) Atomics.add(this.#control, bellOf(thread), 1);
    if (this.asleep) for (const { thread } of workers) Atomics.notify(this.#control, bellOf(thread));
  }

  #barrier(threads: number): void {
    const control = this.#control;
    const generation = Atomics.load(control, WORDS.generation);
    if (Atomics.add(control, WORDS.arrived, 1) + 1 === threads) {
      Atomics.store(control, WORDS.arrived, 0);
      Atomics.add(control, WORDS.generation, 1);
      Atomics.notify(control, WORDS.generation);
      return;
    }
    const end = performance.now() + CALLER_SPIN;
    do {
      for (let look = 0; look < SPINS; look++) if (Atomics.load(control, WORDS.generation) !== generation) return;
    } while (performance.now() < end);
    this.#watch(generation, threads);
  }

  /** Waits without end for living threads, and not for dead ones. */
  #watch(generation: number, threads: number): void {
    const passed = (): boolean => Atomics.load(this.#control, WORDS.generation) !== generation;
    for (let look = 0; ; look++) {
      if (this.#sleeps) Atomics.wait(this.#control, WORDS.generation, generation, WATCH_INTERVAL);
      else for (const until = performance.now() + WATCH_INTERVAL; performance.now() < until && !passed(); );
      if (passed()) return;
      for (const { thread, handle } of this.#workers.slice(0, threads - 1)) {
        if (!handle.alive()) this.#ended(thread, new Error('the thread has ended'));
      }
      if (look === WATCH_LIMIT) this.#ended(1, new Error('a thread does not answer any more'));
      if (this.#failure) throw this.#failure;
    }
  }

  /** A worker that never started has nothing in hand: the crew goes on without it, and those behind it. */
  #ended(thread: number, cause: Error): void {
    const started = Atomics.load(this.#control, bellOf(thread) + WORDS.ready) === 1;
    if (this.#over) return;
    if (started) this.#failure ??= died(thread, cause);
    else this.#refused ??= cause.message;
  }

  #takeError(): { readonly thread: number; readonly call: number; readonly text: string } | null {
    const control = this.#control;
    if (Atomics.load(control, WORDS.errorState) !== 2) return null;
    const codes = control.slice(WORDS.errorText, WORDS.errorText + control[WORDS.errorLength]);
    Atomics.store(control, WORDS.errorState, 0);
    return {
      thread: control[WORDS.errorThread],
      call: control[WORDS.errorCall],
      text: String.fromCharCode(...codes),
    };
  }
}

/** The error for a kernel that failed, in the calling thread (0) or a worker. */
export const trapped = (key: string, thread: number, cause: unknown): BackendError =>
  new BackendError(
    'KERNEL_TRAPPED',
    `The WebAssembly kernel '${key}' failed on thread ${thread}: ${cause instanceof Error ? cause.message : String(cause)}.`,
    { key, thread },
    cause,
  );

const died = (thread: number, cause: Error): BackendError =>
  new BackendError(
    'WORKER_DIED',
    `Worker thread ${thread} of the WebAssembly backend has ended: ${cause.message}. What was being computed is lost; kernels go on with one thread until setThreads() starts new ones.`,
    { thread },
    cause,
  );
