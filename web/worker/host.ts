/**
 * Does what the page asks for and trains in between: commands and training steps take turns, so a command waits for one
 * step at most. Turns are messages and not timers, which browsers slow down in hidden tabs.
 */
import { BackendError, QuantGradError } from 'quantgrad';
import type {
  CommandMessage,
  CommandName,
  EngineReport,
  Input,
  Output,
  Phase,
  Progress,
  SessionState,
  TrainOptions,
  WorkerMessage,
} from '../protocol.js';
import { restoreSession, saveSession } from '../training/checkpoint.js';
import { type DigitsSource, Session } from '../training/session.js';
import { chooseEngine, chooseProcessor } from './engine.js';
import { describeFailure } from './failure.js';
import { SpeedMeter, Throttle } from './pace.js';
import { Queue } from './queue.js';

const INTERVALS = { progress: 100, histograms: 500, checkpoint: 1000 };

type Handlers = { readonly [Name in CommandName]: (input: Input<Name>) => Promise<Output<Name>> };

/** A range that waits to be set, and the commands that it answers. */
interface WaitingRange {
  input: Input<'setRange'>;
  readonly ids: number[];
}

const notStarted = (): QuantGradError =>
  new QuantGradError('NOT_STARTED', "The worker was not started; its first command must be 'start'.");

export class Host {
  readonly #source: DigitsSource;
  readonly #post: (message: WorkerMessage) => void;
  readonly #queue = new Queue();
  readonly #ranges = new Map<string, WaitingRange>();
  readonly #throttles = {
    progress: new Throttle(INTERVALS.progress),
    histograms: new Throttle(INTERVALS.histograms),
    checkpoint: new Throttle(INTERVALS.checkpoint),
  };
  readonly #speed = new SpeedMeter();
  #engine: EngineReport | null = null;
  #session: Session | null = null;
  #running = false;
  #pumping = false;
  /** Mean of the last losses, each counting less than the next. */
  #loss: number | null = null;
  /** What to go back to when something fails. */
  #checkpoint: Uint8Array | null = null;

  constructor(source: DigitsSource, post: (message: WorkerMessage) => void) {
    this.#source = source;
    this.#post = post;
  }

  /** Takes a command; the answer is posted. */
  receive({ id, command, input }: CommandMessage): void {
    if (command === 'setRange') this.#receiveRange(id, input);
    else
      void this.#answer(
        [id],
        () => (this.#handlers[command] as (input: unknown) => Promise<Output<CommandName>>)(input),
        command,
      );
  }

  /** Only the last of the ranges that wait is worth computing. */
  #receiveRange(id: number, input: Input<'setRange'>): void {
    const waiting = this.#ranges.get(input.quantizer);
    if (waiting) {
      waiting.input = input;
      waiting.ids.push(id);
      return;
    }
    const entry: WaitingRange = { input, ids: [id] };
    this.#ranges.set(input.quantizer, entry);
    void this.#answer(
      entry.ids,
      () => {
        this.#ranges.delete(input.quantizer);
        return this.#handlers.setRange(entry.input);
      },
      'setRange',
    );
  }

  async #answer(ids: readonly number[], body: () => Promise<Output<CommandName>>, command: CommandName): Promise<void> {
    try {
      const output = await this.#queue.run(async () => {
        try {
          return await body();
        } catch (error) {
          // Choosing an engine that cannot be had changes nothing; any other time the one in use has failed.
          if (command !== 'start' && command !== 'setEngine') await this.#recover(error, { always: false });
          throw error;
        }
      });
      for (const id of ids) this.#post({ id, output });
    } catch (error) {
      for (const id of ids) this.#post({ id, failure: describeFailure(error) });
    }
    void this.#pump();
  }

  readonly #handlers: Handlers = {
    start: async ({ engine, seed, checkpoint }) => {
      const notices: string[] = [];
      try {
        this.#engine = await chooseEngine(engine);
      } catch (error) {
        notices.push(describeFailure(error).message);
        this.#engine = await chooseProcessor();
      }
      this.#replace(Session.create(this.#source, seed));
      if (checkpoint) {
        try {
          this.#replace(restoreSession(checkpoint, this.#source, 'The checkpoint'));
        } catch (error) {
          notices.push(describeFailure(error).message);
        }
      }
      await this.#keep();
      const session = this.#current;
      return {
        engine: this.#engine,
        data: { train: this.#source.train.length, test: this.#source.test.length },
        parameters: session.parameterCount,
        state: await this.#state(),
        notice: notices.length > 0 ? notices.join(' ') : null,
      };
    },
    setEngine: async ({ engine }) => {
      const bytes = await saveSession(this.#current);
      const previous = this.#engine;
      const report = await chooseEngine(engine);
      try {
        const running = this.#running;
        this.#replace(restoreSession(bytes, this.#source));
        this.#engine = report;
        this.#running = running;
      } catch (error) {
        if (previous) await chooseEngine(previous.choice);
        throw error;
      }
      return { engine: report };
    },
    restart: async ({ seed }) => {
      this.#replace(Session.create(this.#source, seed));
      await this.#keep();
      return { state: await this.#state() };
    },
    train: async ({ phase, ...options }) => {
      const points = await this.#current.begin(phase, options);
      this.#loss = null;
      await this.#keep();
      this.#resume();
      if (points.length > 0) this.#post({ event: 'points', detail: { points } });
      return this.#progress();
    },
    pause: async () => {
      const paused = this.#running;
      this.#running = false;
      if (paused) await this.#keep();
      return { paused };
    },
    continue: async ({ learningRate }) => {
      const { run } = this.#current;
      if (!run || run.finished) {
        throw new QuantGradError('NOT_READY', 'There is no paused training to go on with. Begin one.');
      }
      if (learningRate !== undefined) run.learningRate = learningRate;
      this.#resume();
      return this.#progress();
    },
    quantize: async (settings) => {
      this.#running = false;
      await this.#current.quantize(settings);
      await this.#keep();
      return { accuracies: this.#current.accuracies, histograms: await this.#current.histograms() };
    },
    evaluate: async () => ({ accuracies: await this.#current.evaluate() }),
    setRange: ({ quantizer, low, high }) => this.#current.setRange(quantizer, low, high),
    resetRange: ({ quantizer }) => this.#current.resetRange(quantizer),
    histograms: async () => ({ histograms: await this.#current.histograms() }),
    predict: ({ pixels }) => this.#current.predict(pixels),
    testDigit: async ({ index }) => this.#current.testDigit(index),
    saveCheckpoint: async () => ({ bytes: await saveSession(this.#current) }),
    loadCheckpoint: async ({ bytes }) => {
      const session = restoreSession(bytes, this.#source);
      this.#replace(session);
      await this.#keep();
      return { state: await this.#state() };
    },
    exportIr: () => this.#current.exportIr(),
  };

  get #current(): Session {
    if (!this.#session) throw notStarted();
    return this.#session;
  }

  #replace(session: Session): void {
    this.#session = session;
    this.#running = false;
    this.#loss = null;
  }

  #resume(): void {
    this.#running = true;
    this.#speed.start();
  }

  /** Takes steps, one a turn, while there is a run that goes on. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#running) await this.#queue.run(() => this.#step());
    this.#pumping = false;
  }

  async #step(): Promise<void> {
    // A command that waited before this step may have ended the run.
    if (!this.#running) return;
    try {
      const { loss, points, endsEpoch, endsRun } = await this.#current.takeStep();
      this.#speed.step();
      this.#loss = this.#loss === null ? loss : this.#loss * 0.9 + loss * 0.1;
      if (points.length > 0) this.#post({ event: 'points', detail: { points } });
      if (endsRun) this.#running = false;
      if (endsEpoch || endsRun || this.#throttles.progress.due()) {
        this.#post({ event: 'progress', detail: this.#progress() });
      }
      if (endsRun || (endsEpoch && this.#throttles.histograms.due())) {
        this.#post({ event: 'histograms', detail: { histograms: await this.#current.histograms() } });
      }
      if (endsRun || (endsEpoch && this.#throttles.checkpoint.due())) await this.#keep();
      if (endsRun) this.#post({ event: 'runEnded', detail: this.#progress() });
    } catch (error) {
      await this.#recover(error, { always: true });
    }
  }

  /** Takes a checkpoint and gives it to the page. */
  async #keep(): Promise<void> {
    const bytes = await saveSession(this.#current);
    this.#checkpoint = bytes;
    this.#post({ event: 'checkpoint', detail: { bytes } });
  }

  /**
   * Goes back to the last checkpoint after a failure: always if training failed, else if the GPU did, on which nothing can be
   * computed then. Instead of the GPU, the processor computes from then on.
   */
  async #recover(error: unknown, { always }: { always: boolean }): Promise<void> {
    const gpuFailed = error instanceof BackendError && this.#engine?.backend.startsWith('gpujs') === true;
    if (!this.#engine || !this.#checkpoint || !(always || gpuFailed)) return;
    const running = this.#running && gpuFailed;
    this.#running = false;
    if (gpuFailed) this.#engine = await chooseProcessor();
    this.#replace(restoreSession(this.#checkpoint, this.#source));
    if (running) this.#resume();
    const state = await this.#state();
    this.#post({ event: 'restored', detail: { failure: describeFailure(error), engine: this.#engine, state } });
  }

  #progress(): Progress {
    const { run, accuracies } = this.#current;
    if (!run) throw new QuantGradError('NOT_READY', 'Nothing is trained.');
    const { phase, epochs, learningRate, batchSize, step, steps } = run;
    const options: TrainOptions & { phase: Phase } = { phase, epochs, learningRate, batchSize };
    const { stepsPerSecond } = this.#speed;
    return { ...options, step, steps, epoch: step / run.loader.length, loss: this.#loss, stepsPerSecond, accuracies };
  }

  async #state(): Promise<SessionState> {
    const session = this.#current;
    const { seed, run, quantization, accuracies, curves } = session;
    const state = this.#running ? 'running' : run?.finished ? 'finished' : 'paused';
    return {
      ...{ seed, quantization, accuracies, curves },
      run: run && { ...this.#progress(), state },
      histograms: await session.histograms(),
    };
  }
}
