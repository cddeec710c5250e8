/**
 * Between the visitor and the worker: turns what is pressed into commands, and what the worker says into state. Numbers of
 * a run come ten times a second and are put into the state four times a second at most.
 */
import type {
  CurvePoint,
  EngineChoice,
  Failure,
  Grid,
  LayerHistogram,
  Output,
  Phase,
  Progress,
} from '../../protocol.js';
import { type EngineClient, EngineError } from '../../worker/client.js';
import { Store } from '../store.js';
import { throttle } from '../throttle.js';
import { Curves } from './curves.js';
import { adviceAfterRestore, adviceFor, noticeOfDeaths, noticeOfRevival } from './failures.js';
import { INITIAL, type Notice, type PageState, type Settings, type Task } from './state.js';
import { trainOptions } from './trainOptions.js';
import { describeEnd } from './words.js';

export type Client = Pick<EngineClient, 'start' | 'revive' | 'send' | 'on' | 'checkpoint' | 'alive'>;

/** A worker that dies again so soon after it was started is not started a third time by itself. */
const REVIVALS = 2;
const CALM = 20_000;

export class Session {
  readonly store = new Store<PageState>(INITIAL);
  readonly curves = new Curves();
  readonly #client: Client;
  #notices = 0;
  #progress: Progress | null = null;
  #points: CurvePoint[] = [];
  #histograms: readonly LayerHistogram[] | null = null;
  #beginnings = 0;
  #deaths: number[] = [];
  /** Of the worker that died last. */
  #death: Failure | null = null;
  readonly #flushSoon = throttle(() => this.#flush());

  constructor(client: Client) {
    this.#client = client;
    client.on('progress', (progress) => {
      this.#progress = progress;
      this.#flushSoon();
    });
    client.on('points', ({ points }) => {
      this.#points.push(...points);
      this.#flushSoon();
    });
    client.on('histograms', ({ histograms }) => {
      this.#histograms = histograms;
      this.#flushSoon();
    });
    client.on('runEnded', (progress) => {
      this.#progress = progress;
      this.#flush();
      this.store.set({ run: { ...progress, state: 'finished' } });
      this.announce(describeEnd(progress.phase, progress.accuracies));
    });
    client.on('restored', ({ failure, engine, state }) => {
      this.store.set({ engine });
      this.#takeState(state);
      this.#fail('Training went back to the last checkpoint', failure, adviceAfterRestore(state, engine));
    });
    client.on('died', (failure) => void this.#recover(failure));
  }

  // Beginning and recovering

  /** WebAssembly gives every visitor the same network for a seed; a GPU is for whoever chooses it. */
  async start(engine: EngineChoice = { backend: 'wasm' }): Promise<void> {
    const checkpoint = this.#client.checkpoint ?? undefined;
    const { seed } = this.store.state.settings;
    await this.#begin('The network could not be loaded', () => this.#client.start({ engine, seed, checkpoint }));
  }

  /** Another worker with the last checkpoint. */
  restartWorker(): Promise<boolean> {
    return this.#begin('Training could not be started again', () => this.#client.revive());
  }

  async #begin(title: string, start: () => Promise<Output<'start'>>): Promise<boolean> {
    const number = ++this.#beginnings;
    this.store.set({ life: 'starting' });
    const done = await this.#task('starting', title, async () => {
      this.#take(await start());
      this.announce('Ready. Draw a digit, or start training.');
    });
    // If the worker has died, another was begun meanwhile, and that one decides.
    if (!done && number === this.#beginnings) this.store.set({ life: 'dead' });
    return done;
  }

  async #recover(failure: Failure): Promise<void> {
    this.#death = failure;
    this.#discard();
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((time) => now - time < CALM), now];
    const kept = this.#client.checkpoint !== null;
    if (this.#deaths.length > REVIVALS) {
      this.store.set({ life: 'dead', task: null });
      const action = { label: 'Start again', run: () => void this.restartWorker() };
      this.notify({ ...noticeOfDeaths(failure, kept), action });
    } else if (await this.restartWorker()) this.notify(noticeOfRevival(failure, kept));
  }

  #take({ engine, data, parameters, state, notice }: Output<'start'>): void {
    this.store.set({ life: 'alive', engine, data, parameters });
    this.#takeState(state);
    if (notice) this.notify({ kind: 'problem', title: 'Something else was used', text: notice });
  }

  #takeState({ seed, run, quantization, accuracies, curves, histograms }: Output<'restart'>['state']): void {
    this.#discard();
    const { sizes, settings } = this.store.state;
    this.curves.replace(curves);
    this.store.set({
      seed,
      run,
      quantization,
      accuracies,
      histograms,
      settings: quantization ? { ...settings, bits: quantization.bits } : settings,
      sizes: { ...sizes, quantized: null },
      version: this.store.state.version + 1,
    });
    void this.#measureSizes();
  }

  // Training

  async train(phase: Phase): Promise<void> {
    const { settings, quantization } = this.store.state;
    const options = trainOptions(phase, settings, quantization?.bits ?? 8);
    await this.#attempt('Training could not start', async () => {
      const progress = await this.#client.send('train', { phase, ...options });
      this.#began(progress);
      this.announce(phase === 'float' ? 'Training has started.' : 'Fine-tuning has started.');
    });
  }

  async pause(): Promise<void> {
    await this.#attempt('Training could not be paused', async () => {
      await this.#client.send('pause', {});
      this.#flush();
      const { run } = this.store.state;
      if (run?.state === 'running') this.store.set({ run: { ...run, state: 'paused' } });
      this.announce('Paused.');
    });
  }

  async continue(): Promise<void> {
    const { run, settings } = this.store.state;
    const learningRate = run?.phase === 'float' ? settings.learningRate : undefined;
    await this.#attempt('Training could not go on', async () => {
      this.#began(await this.#client.send('continue', { learningRate }));
      this.announce('Training goes on.');
    });
  }

  /** A new network; the old one can be had back. */
  async reset(): Promise<void> {
    const { settings } = this.store.state;
    await this.#task('restarting', 'The network could not be reset', async () => {
      const { bytes } = await this.#client.send('saveCheckpoint', {});
      const { state } = await this.#client.send('restart', { seed: settings.seed });
      this.#takeState(state);
      this.notify({
        kind: 'news',
        title: 'Started over',
        text: 'The network has forgotten everything: its numbers are random again.',
        action: { label: 'Undo', run: () => void this.load(bytes) },
      });
    });
  }

  #began(progress: Progress): void {
    // Numbers of an earlier run that are still on the way into the state are older than these.
    this.#flush();
    this.store.set({ run: { ...progress, state: 'running' } });
  }

  // Quantization

  async quantize(): Promise<void> {
    const { bits } = this.store.state.settings;
    await this.#task('quantizing', 'The network could not be quantized', async () => {
      if (this.store.state.run?.state === 'running') await this.#client.send('pause', {});
      const { accuracies, histograms } = await this.#client.send('quantize', { bits, preset: 'performance' });
      this.#discard();
      this.curves.dropFineTuning();
      this.store.set({
        accuracies,
        histograms,
        run: null,
        quantization: { bits, preset: 'performance' },
        version: this.store.state.version + 1,
      });
      await this.#measureSizes();
      this.announce(`Quantized to ${bits} bits.`);
    });
  }

  /** Moves a range. @returns What the worker made of it, or null if it could not. */
  setRange(quantizer: string, low: number, high: number): Promise<Grid | null> {
    return this.#range(() => this.#client.send('setRange', { quantizer, low, high }));
  }

  resetRange(quantizer: string): Promise<Grid | null> {
    return this.#range(() => this.#client.send('resetRange', { quantizer }));
  }

  async #range(send: () => Promise<Output<'setRange'>>): Promise<Grid | null> {
    let moved: Grid | null = null;
    await this.#attempt('The range could not be moved', async () => {
      const { grid, accuracies } = await send();
      moved = grid;
      const histograms = this.store.state.histograms.map((one) =>
        one.grid?.quantizer === grid.quantizer ? { ...one, grid } : one,
      );
      this.store.set({ accuracies, histograms, version: this.store.state.version + 1 });
    });
    return moved;
  }

  /** Histograms with what is clipped by ranges as they are now. */
  async refreshHistograms(): Promise<void> {
    await this.#attempt('The layers could not be looked into', async () => {
      this.store.set(await this.#client.send('histograms', {}));
    });
  }

  // Answers and files

  /** What the networks say; null if there is no answer (which another message explains). */
  async predict(pixels: ArrayLike<number>): Promise<Output<'predict'> | null> {
    if (this.store.state.life !== 'alive') return null;
    try {
      return await this.#client.send('predict', { pixels: Array.from(pixels) });
    } catch {
      return null;
    }
  }

  async testDigit(index: number): Promise<Output<'testDigit'> | null> {
    let digit: Output<'testDigit'> | null = null;
    await this.#attempt('There is no test image', async () => {
      digit = await this.#client.send('testDigit', { index });
    });
    return digit;
  }

  async saveCheckpoint(): Promise<Uint8Array | null> {
    let bytes: Uint8Array | null = null;
    await this.#task('exporting', 'The checkpoint could not be made', async () => {
      bytes = (await this.#client.send('saveCheckpoint', {})).bytes;
    });
    return bytes;
  }

  async exportIr(): Promise<Output<'exportIr'> | null> {
    let files: Output<'exportIr'> | null = null;
    await this.#task('exporting', 'The OpenVINO files could not be made', async () => {
      files = await this.#client.send('exportIr', {});
    });
    return files;
  }

  async loadFile(file: Blob): Promise<boolean> {
    let bytes: Uint8Array | null = null;
    await this.#attempt('This file could not be read', async () => {
      bytes = new Uint8Array(await file.arrayBuffer());
    });
    return bytes !== null && this.load(bytes);
  }

  async load(bytes: Uint8Array): Promise<boolean> {
    const work = async (): Promise<void> => {
      const { state } = await this.#client.send('loadCheckpoint', { bytes });
      this.#takeState(state);
      this.announce('The checkpoint is loaded.');
    };
    const advice = 'Nothing has changed. Choose a file that this page has made; its name ends in .safetensors.';
    return this.#task('loading', 'This file could not be loaded', work, advice);
  }

  // Settings

  async setEngine(engine: EngineChoice): Promise<boolean> {
    if (this.store.state.life === 'dead') {
      await this.start(engine);
      return this.#client.alive;
    }
    return this.#task('switching', 'That backend cannot be had here', async () => {
      const { engine: report } = await this.#client.send('setEngine', { engine });
      this.store.set({ engine: report });
      this.announce(`Computing with ${report.backend} now.`);
    });
  }

  setSettings(change: Partial<Settings>): void {
    this.store.set({ settings: { ...this.store.state.settings, ...change } });
  }

  // Messages

  announce(announcement: string): void {
    this.store.set({ announcement });
  }

  notify(notice: Omit<Notice, 'id'>): void {
    const others = this.store.state.notices.filter(({ title }) => title !== notice.title);
    this.store.set({ notices: [...others, { id: this.#notices++, ...notice }] });
  }

  dismiss(id: number): void {
    this.store.set({ notices: this.store.state.notices.filter((notice) => notice.id !== id) });
  }

  #fail(title: string, { code, message }: Failure, advice = adviceFor(code)): void {
    this.notify({ kind: 'problem', title, text: `${message} ${advice}`.trim() });
  }

  // Inner workings

  /** @returns Whether it was done; if not, the visitor has been told. */
  async #attempt(title: string, work: () => Promise<void>, advice?: string): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      const failure = error instanceof EngineError ? error : { code: 'UNEXPECTED', message: String(error) };
      // What fails because the worker has died is told once, by whoever starts another.
      if (failure.code !== this.#death?.code || failure.message !== this.#death.message) {
        this.#fail(title, failure, advice);
      }
      return false;
    }
  }

  async #task(task: Exclude<Task, null>, title: string, work: () => Promise<void>, advice?: string): Promise<boolean> {
    this.store.set({ task });
    try {
      return await this.#attempt(title, work, advice);
    } finally {
      if (this.store.state.task === task) this.store.set({ task: null });
    }
  }

  async #measureSizes(): Promise<void> {
    const { parameters, quantization } = this.store.state;
    const float = parameters === null ? null : parameters * Float32Array.BYTES_PER_ELEMENT;
    this.store.set({ sizes: { float, quantized: null } });
    await this.#attempt('The size of the file could not be measured', async () => {
      const { bin, network } = await this.#client.send('exportIr', {});
      const exact = network === 'float' ? { float: bin.length, quantized: null } : { float, quantized: bin.length };
      if (this.store.state.quantization === quantization) this.store.set({ sizes: exact });
    });
  }

  /** Puts what the worker has said since the last time into the state. */
  #flush(): void {
    const { run, version } = this.store.state;
    if (this.#points.length > 0) this.curves.add(this.#points.splice(0));
    const progress = this.#progress;
    const histograms = this.#histograms;
    this.#progress = null;
    this.#histograms = null;
    if (!progress && !histograms) return;
    this.store.set({
      ...(progress && {
        run: { ...progress, state: run?.state ?? 'running' },
        accuracies: progress.accuracies,
        version: version + 1,
      }),
      ...(histograms && { histograms }),
    });
  }

  /** Forgets what the worker has said of a network that is no longer there. */
  #discard(): void {
    this.#progress = null;
    this.#histograms = null;
    this.#points = [];
  }
}
