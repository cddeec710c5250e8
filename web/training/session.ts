/**
 * The state of the page's training, and everything that can be done with it: a float network, perhaps a quantized copy of
 * it, and perhaps a run that trains one of them. Knows nothing of workers or pages and runs in Node too; the same seed and
 * the same calls give the same bits in both.
 */
import {
  data,
  manualSeed,
  QuantGradError,
  type QuantizedModel,
  quantize,
  serializeModel,
  type Tensor,
  ValidationError,
} from 'quantgrad';
import { DigitsNet } from '../../examples/digits/network.js';
import { type Digit, type DigitsDataset, toDataset } from '../../examples/digits/parse.js';
import type {
  Accuracies,
  CurvePoint,
  Grid,
  LayerHistogram,
  Output,
  Phase,
  Probabilities,
  QuantizeSettings,
  TrainOptions,
} from '../protocol.js';
import { Curves } from './curves.js';
import { Ranges } from './grids.js';
import { floatHistograms, quantizedHistograms } from './histograms.js';
import { accuracyOf, imageOf, type Network, probabilitiesOf } from './networks.js';
import { makeLoader, Run } from './run.js';

export interface DigitsSource {
  readonly train: readonly Digit[];
  readonly test: readonly Digit[];
}

/** How much of a phase was trained, over all its runs. */
export interface Trained {
  readonly steps: number;
  readonly epochs: number;
}

export interface QuantizedPart {
  readonly model: QuantizedModel<DigitsNet>;
  readonly settings: QuantizeSettings;
}

/** What a session consists of; all of it is in a checkpoint. */
export interface SessionParts {
  readonly seed: number;
  readonly float: DigitsNet;
  readonly quantized: QuantizedPart | null;
  readonly run: Run | null;
  readonly trained: Readonly<Record<Phase, Trained>>;
  readonly accuracies: Accuracies;
  readonly curves: readonly CurvePoint[];
}

export interface StepOutcome {
  readonly loss: number;
  readonly points: readonly CurvePoint[];
  readonly endsEpoch: boolean;
  readonly endsRun: boolean;
}

const UNTRAINED: Trained = { steps: 0, epochs: 0 };
const NO_ACCURACIES: Accuracies = { float: null, quantized: null, fineTuned: null };
/** Images that histograms of activations are made from. */
const HISTOGRAM_IMAGES = 128;
/** Ranges come from this many batches of this many training images. */
const CALIBRATION = { batches: 3, batchSize: 100 };

/** Sums of the shares of steps, which are not exact, as the whole number that they nearly are. */
const settle = (epochs: number): number => (Math.abs(epochs - Math.round(epochs)) < 1e-6 ? Math.round(epochs) : epochs);

const missing = (what: string, advice: string): ValidationError =>
  new ValidationError('NOT_READY', `There is no ${what} yet. ${advice}`);

export class Session {
  readonly seed: number;
  readonly float: DigitsNet;
  readonly #source: DigitsSource;
  readonly #train: DigitsDataset;
  readonly #test: DigitsDataset;
  readonly #histogramImages: Tensor;
  readonly #curves: Curves;
  #quantized: QuantizedPart | null;
  #ranges: Ranges | null;
  #run: Run | null;
  #trained: Record<Phase, Trained>;
  #accuracies: Accuracies;

  /** On the default backend. @param parts Restored ones. Default: a new network of the seed. */
  constructor(source: DigitsSource, parts: SessionParts) {
    this.#source = source;
    this.#train = toDataset(source.train);
    this.#test = toDataset(source.test);
    this.#histogramImages = toDataset(source.test.slice(0, HISTOGRAM_IMAGES)).tensors[0];
    this.seed = parts.seed;
    this.float = parts.float;
    this.#quantized = parts.quantized;
    this.#ranges = parts.quantized && new Ranges(parts.quantized.model);
    this.#run = parts.run;
    this.#trained = { ...parts.trained };
    this.#accuracies = parts.accuracies;
    this.#curves = new Curves(parts.curves);
  }

  /** A session with a new, untrained network. */
  static create(source: DigitsSource, seed: number): Session {
    manualSeed(seed);
    return new Session(source, {
      seed,
      float: new DigitsNet(),
      quantized: null,
      run: null,
      trained: { float: UNTRAINED, fineTune: UNTRAINED },
      accuracies: NO_ACCURACIES,
      curves: [],
    });
  }

  get parts(): SessionParts {
    return {
      seed: this.seed,
      float: this.float,
      quantized: this.#quantized,
      run: this.#run,
      trained: this.#trained,
      accuracies: this.#accuracies,
      curves: this.#curves.points,
    };
  }

  get run(): Run | null {
    return this.#run;
  }

  get accuracies(): Accuracies {
    return this.#accuracies;
  }

  get curves(): readonly CurvePoint[] {
    return this.#curves.points;
  }

  get quantization(): QuantizeSettings | null {
    return this.#quantized?.settings ?? null;
  }

  /** Number of the parameters' values. */
  get parameterCount(): number {
    const sizes = this.float.parameters().map(({ shape }) => shape.reduce((size, extent) => size * extent, 1));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /**
   * Begins a run. @returns The first point of the curves, if the network was not trained before.
   * @throws ValidationError `NOT_READY` for fine-tuning without a quantized network; those of loaders and optimizers
   */
  async begin(phase: Phase, options: TrainOptions): Promise<CurvePoint[]> {
    const network = phase === 'float' ? this.float : this.#quantizedPart().model;
    if (options.epochs !== null && !(Number.isInteger(options.epochs) && options.epochs >= 1)) {
      throw new ValidationError(
        'INVALID_OPTION',
        `The number of epochs is ${options.epochs}; it must be a whole number of at least 1, or nothing for training until you stop it.`,
        { option: 'epochs' },
      );
    }
    const trained = this.#trained[phase];
    const loader = makeLoader(this.#train, options.batchSize, this.seed + (phase === 'float' ? 0 : 1));
    // Another run of the same network goes through the images in new orders.
    loader.setEpoch(Math.ceil(trained.epochs));
    const run = new Run(network, loader, { ...options, phase, step: 0 });
    const points: CurvePoint[] = [];
    if (trained.steps === 0) {
      const accuracy = await accuracyOf(network, this.#test);
      this.#curves.clear(phase);
      points.push(this.#curves.begin(phase, accuracy));
      if (phase === 'float') this.#accuracies = { ...this.#accuracies, float: accuracy };
    }
    this.#run = run;
    return points;
  }

  /** Trains the run's network on the next batch. @throws QuantGradError `DIVERGED` if the loss is no number any more. */
  async takeStep(): Promise<StepOutcome> {
    const run = this.#run;
    if (!run) throw missing('run', 'Begin one.');
    const { phase } = run;
    const { loss, endsEpoch, endsRun } = await run.takeStep();
    if (!Number.isFinite(loss)) {
      throw new QuantGradError(
        'DIVERGED',
        'The loss has grown beyond all bounds: the learning rate is too high. Choose a lower one.',
        { loss },
      );
    }
    if (phase === 'fineTune') this.#ranges?.forget();
    const { steps, epochs } = this.#trained[phase];
    const done = { steps: steps + 1, epochs: settle(epochs + 1 / run.loader.length) };
    this.#trained[phase] = done;
    const accuracy = endsEpoch || endsRun ? await accuracyOf(run.network, this.#test) : null;
    if (accuracy !== null) {
      this.#accuracies = { ...this.#accuracies, [phase === 'float' ? 'float' : 'fineTuned']: accuracy };
    }
    const point = this.#curves.addStep(phase, done.steps, done.epochs, loss, accuracy);
    return { loss, points: point ? [point] : [], endsEpoch, endsRun };
  }

  /** Quantizes a copy of the float network. A run ends. */
  async quantize({ bits, preset }: QuantizeSettings): Promise<void> {
    const { batches, batchSize } = CALIBRATION;
    const loader = new data.DataLoader(this.#train, { batchSize, shuffle: true, seed: this.seed });
    const calibration = new data.CalibrationDataset(loader, ([image]: Tensor[]) => image);
    const model = await quantize(this.float, calibration, { bits, preset, subsetSize: batches });
    const quantized = await accuracyOf(model, this.#test);
    this.#quantized = { model, settings: { bits, preset } };
    this.#ranges = new Ranges(model);
    this.#run = null;
    this.#trained.fineTune = UNTRAINED;
    this.#curves.clear('fineTune');
    const float = await accuracyOf(this.float, this.#test);
    this.#accuracies = { float, quantized, fineTuned: null };
  }

  /** Computes the accuracies of the networks that there are. */
  async evaluate(): Promise<Accuracies> {
    const float = await accuracyOf(this.float, this.#test);
    this.#accuracies = { ...this.#accuracies, float };
    if (this.#quantized) await this.#evaluateQuantized(this.#quantized);
    return this.#accuracies;
  }

  async #evaluateQuantized({ model }: QuantizedPart): Promise<void> {
    const accuracy = await accuracyOf(model, this.#test);
    this.#accuracies = {
      ...this.#accuracies,
      [this.#trained.fineTune.steps === 0 ? 'quantized' : 'fineTuned']: accuracy,
    };
  }

  /** Moves the range of a quantizer. @throws ValidationError `NOT_READY`, `RANGE_NOT_FINITE`, `UNKNOWN_QUANTIZER` */
  async setRange(quantizer: string, low: number, high: number): Promise<{ grid: Grid; accuracies: Accuracies }> {
    await this.#quantizedRanges().set(quantizer, low, high);
    return this.#afterRange(quantizer);
  }

  /** Takes back what `setRange` did. @throws ValidationError `NOT_READY`, `UNKNOWN_QUANTIZER` */
  async resetRange(quantizer: string): Promise<{ grid: Grid; accuracies: Accuracies }> {
    this.#quantizedRanges().reset(quantizer);
    return this.#afterRange(quantizer);
  }

  async #afterRange(quantizer: string): Promise<{ grid: Grid; accuracies: Accuracies }> {
    await this.#evaluateQuantized(this.#quantizedPart());
    return { grid: await this.#quantizedRanges().grid(quantizer), accuracies: this.#accuracies };
  }

  /** Of the quantized network if there is one, else of the float one. */
  histograms(): Promise<LayerHistogram[]> {
    const images = this.#histogramImages;
    return this.#quantized && this.#ranges
      ? quantizedHistograms(this.#quantized.model, images, this.#ranges)
      : floatHistograms(this.float, images);
  }

  /** @param pixels 64 of them, from 0 to 1. @throws ShapeError for another number of them */
  async predict(pixels: readonly number[]): Promise<{ float: Probabilities; quantized: Probabilities | null }> {
    const image = imageOf(pixels);
    const float = await probabilitiesOf(this.float, image);
    return { float, quantized: this.#quantized && (await probabilitiesOf(this.#quantized.model, image)) };
  }

  testDigit(index: number): Digit {
    const { test } = this.#source;
    return test[((Math.trunc(index) % test.length) + test.length) % test.length];
  }

  /** OpenVINO IR of the quantized network, or else of the float one. */
  async exportIr(): Promise<Output<'exportIr'>> {
    const part = this.#quantized;
    const network: Network = part?.model ?? this.float;
    const inputs = part ? {} : { inputs: [this.#histogramImages] };
    const { xml, bin } = await serializeModel(network, { ...inputs, name: 'digits' });
    return { xml: new TextEncoder().encode(xml), bin, network: part ? 'quantized' : 'float' };
  }

  #quantizedPart(): QuantizedPart {
    if (!this.#quantized) throw missing('quantized network', 'Quantize the network first.');
    return this.#quantized;
  }

  #quantizedRanges(): Ranges {
    this.#quantizedPart();
    return this.#ranges as Ranges;
  }
}
