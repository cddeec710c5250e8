/**
 * The page's side of the worker: commands as calls that return promises, events for listeners, and a new worker from the
 * last checkpoint when one has died.
 */
import type {
  CommandMessage,
  CommandName,
  EngineChoice,
  EventName,
  Events,
  Failure,
  Input,
  Output,
  WorkerMessage,
} from '../protocol.js';

/** A command that failed; `code` is that of the library's typed error. */
export class EngineError extends Error {
  readonly code: string;

  constructor({ code, message }: Failure) {
    super(message);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** What a client says besides the worker's events. */
export interface ClientEvents extends Events {
  /** The worker has ended by itself or cannot be reached. Commands in hand have failed; `revive()` starts another. */
  died: Failure;
}
export type ClientEventName = EventName | 'died';

type Listener<Name extends ClientEventName> = (detail: ClientEvents[Name]) => void;

interface Waiting {
  resolve(output: never): void;
  reject(error: Error): void;
}

/** What a client needs of a `Worker`. */
export type WorkerLike = Pick<Worker, 'postMessage' | 'terminate' | 'onmessage' | 'onerror' | 'onmessageerror'>;

let locks = 0;

export class EngineClient {
  readonly #make: (name: string) => WorkerLike;
  readonly #listeners = new Map<ClientEventName, Set<Listener<never>>>();
  readonly #waiting = new Map<number, Waiting>();
  #worker: WorkerLike | null = null;
  #next = 0;
  #checkpoint: Uint8Array | null = null;
  #engine: EngineChoice = { backend: 'auto' };
  #seed = 0;

  /** @param make Makes a worker that runs `worker/main.ts`, of the name that it is given. */
  constructor(make: (name: string) => WorkerLike) {
    this.#make = make;
  }

  /** The latest checkpoint that the worker has sent, or that was saved or loaded. */
  get checkpoint(): Uint8Array | null {
    return this.#checkpoint;
  }

  /** Whether there is a worker. */
  get alive(): boolean {
    return this.#worker !== null;
  }

  /** Starts a worker and its engine. */
  async start(input: Input<'start'>): Promise<Output<'start'>> {
    this.dispose();
    this.#engine = input.engine;
    this.#seed = input.seed;
    this.#checkpoint = input.checkpoint ?? null;
    const name = `quantgrad-page-${Date.now()}-${locks++}`;
    const worker = this.#make(name);
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#died(
        worker,
        `Training has stopped with an unexpected error (${event.message || 'the worker did not load'}).`,
      );
    };
    worker.onmessageerror = () => this.#died(worker, 'A message of the training could not be read.');
    const output = await this.send('start', input);
    this.#engine = output.engine.choice;
    this.#watch(worker, name);
    return output;
  }

  /** Another worker in place of one that has died, with the latest checkpoint and the engine of before. */
  revive(): Promise<Output<'start'>> {
    return this.start({ engine: this.#engine, seed: this.#seed, checkpoint: this.#checkpoint ?? undefined });
  }

  /** @throws EngineError if the command fails, or the worker ends before it is done */
  async send<Name extends CommandName>(command: Name, input: Input<Name>): Promise<Output<Name>> {
    const worker = this.#worker;
    if (!worker) throw new EngineError({ code: 'WORKER_ENDED', message: 'Training is not running; start it again.' });
    const id = this.#next++;
    const output = await new Promise<Output<Name>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, command, input } as CommandMessage);
    });
    this.#remember(command, input, output);
    return output;
  }

  /** Calls the listener with every such event. @returns A function that ends it. */
  on<Name extends ClientEventName>(name: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Ends the worker. */
  dispose(): void {
    const worker = this.#worker;
    this.#worker = null;
    worker?.terminate();
    this.#fail({ code: 'WORKER_ENDED', message: 'Training was ended.' });
  }

  /** What another worker would have to be given. */
  #remember(command: CommandName, input: object, output: object): void {
    if (command === 'saveCheckpoint') this.#checkpoint = (output as Output<'saveCheckpoint'>).bytes;
    if (command === 'loadCheckpoint') this.#checkpoint = (input as Input<'loadCheckpoint'>).bytes;
    if (command === 'setEngine') this.#engine = (output as Output<'setEngine'>).engine.choice;
    if (command !== 'restart') return;
    this.#seed = (input as Input<'restart'>).seed;
    this.#checkpoint = null;
  }

  #take(message: WorkerMessage): void {
    if ('event' in message) {
      if (message.event === 'checkpoint') this.#checkpoint = message.detail.bytes;
      this.#emit(message.event, message.detail as never);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('failure' in message) waiting?.reject(new EngineError(message.failure));
    else waiting?.resolve(message.output as never);
  }

  #emit<Name extends ClientEventName>(name: Name, detail: ClientEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as Listener<Name>)(detail);
  }

  /**
   * A worker that is killed says nothing. But it holds a lock, which the browser gives on when the worker is gone, at once and
   * whether the page is hidden or not. Without locks (a page that is not in a secure context) only errors are noticed.
   */
  #watch(worker: WorkerLike, name: string): void {
    navigator.locks
      ?.request(name, () => this.#died(worker, 'The browser has ended the training, perhaps because memory ran out.'))
      .catch(() => {});
  }

  #died(worker: WorkerLike, message: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    worker.terminate();
    const failure = { code: 'WORKER_DIED', message };
    this.#fail(failure);
    this.#emit('died', failure);
  }

  #fail(failure: Failure): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new EngineError(failure));
  }
}
