/**
 * What the page and the worker that trains say to each other. The page sends commands and gets one answer to each; the
 * worker also sends events by itself. `worker/client.ts` turns this into calls that return promises.
 */
import type { NumericMode, Preset } from 'quantgrad';

/** What computes. `auto` lets the library choose. */
export type BackendChoice = 'auto' | 'wasm' | 'reference' | 'gpujs';
/** Where GPU.js computes, for the backend `gpujs`; `gpu` is the best one that there is. */
export type GpuMode = 'gpu' | 'webgpu' | 'webgl2' | 'webasm' | 'cpu';

export interface EngineChoice {
  readonly backend: BackendChoice;
  /** Default: `gpu`. Only for the backend `gpujs`. */
  readonly gpuMode?: GpuMode;
  /** 1 to 64. Default: as many as there are cores, or 1 where the page is not cross-origin isolated. */
  readonly threads?: number;
  /** Default: `portable`, the same bits everywhere. Only for WebAssembly. */
  readonly mode?: NumericMode;
}

/** What computes now, and why. */
export interface EngineReport {
  readonly choice: EngineChoice;
  /** `wasm`, `reference`, or `gpujs-` and its mode. */
  readonly backend: string;
  readonly mode: NumericMode | null;
  readonly threads: number;
  /** The most threads that are worth choosing here: the cores, or 1 where threads cannot share memory. */
  readonly mostThreads: number;
  readonly crossOriginIsolated: boolean;
  /** Sentences of the library: why this backend. Empty where it is the one that was asked for. */
  readonly reasons: readonly string[];
}

/** What can be trained: the float network, or the quantized one, which is called fine-tuning. */
export type Phase = 'float' | 'fineTune';

/** Top-1 on all test images, from 0 to 1; null as long as there is no such network. */
export interface Accuracies {
  readonly float: number | null;
  /** The quantized network as quantization left it, before fine-tuning; it follows a range that is moved by hand. */
  readonly quantized: number | null;
  /** The quantized network after at least a step of fine-tuning. */
  readonly fineTuned: number | null;
}

/** A point of the curves. */
export interface CurvePoint {
  readonly phase: Phase;
  /** Steps of this phase since the network was new (`float`), or since it was quantized (`fineTune`). */
  readonly step: number;
  /** Epochs of this phase, as a fraction. */
  readonly epoch: number;
  /** Mean loss of the steps since the point before; null at step 0. */
  readonly loss: number | null;
  /** Accuracy on all test images; null between the ends of epochs. */
  readonly accuracy: number | null;
}

/** The codes of a quantizer on the number line. */
export interface Grid {
  /** Name of the quantizer, to be given to `setRange`. */
  readonly quantizer: string;
  readonly bits: number;
  /** Number of codes: values that can be told apart. */
  readonly levels: number;
  /** Ends of the range and distance of codes; of the widest channel if there are several. */
  readonly inputLow: number;
  readonly inputHigh: number;
  readonly step: number;
  /** Channels with a range of their own; moving the range scales all of them. */
  readonly channels: number;
  /** The ends that can be moved. Those of a signed symmetric range move together; the low end of an unsigned one stays at 0. */
  readonly movableEnds: readonly ('low' | 'high')[];
  readonly symmetric: boolean;
  /** Whether it was moved by hand since quantization or the last training step, so that `resetRange` does something. */
  readonly moved: boolean;
}

/** How the values of one tensor are distributed. */
export interface LayerHistogram {
  /** Stays the same over time, such as `block1.conv/weights`. */
  readonly id: string;
  /** The layer as the network names it, such as `block1.conv`; `input` for the image. */
  readonly layer: string;
  readonly kind: 'weights' | 'activations';
  /** Equally wide bins from the smallest to the largest value: one edge more than counts. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Number of values, and how many of them are exactly zero (they are in `counts` too; ReLU makes many). */
  readonly total: number;
  readonly zeros: number;
  /** Share of values outside the grid, from 0 to 1; 0 without a grid. For several channels, each by its own range. */
  readonly clipped: number;
  /** Null before quantization. */
  readonly grid: Grid | null;
}

export interface TrainOptions {
  /** Whole epochs to train, or null to train until paused. */
  readonly epochs: number | null;
  /** Of the first step; falls to 0 along a cosine if `epochs` is a number, else it stays. */
  readonly learningRate: number;
  readonly batchSize: number;
}

export interface QuantizeSettings {
  /** 2 to 8. */
  readonly bits: number;
  readonly preset: Preset;
}

/** How a run goes. */
export interface Progress extends TrainOptions {
  readonly phase: Phase;
  /** Steps of the run that are done; null for `steps` if it has no end. */
  readonly step: number;
  readonly steps: number | null;
  /** Epochs of the run, as a fraction. */
  readonly epoch: number;
  /** Mean loss of the last steps; null before the first. */
  readonly loss: number | null;
  /** Measured over about the last second; null before there is anything to measure. */
  readonly stepsPerSecond: number | null;
  readonly accuracies: Accuracies;
}

export type RunState = 'running' | 'paused' | 'finished';

/** All of the state that a page shows: after a start, after a checkpoint is loaded. */
export interface SessionState {
  readonly seed: number;
  /** Of the latest run; null if nothing was trained yet. A loaded run is paused. */
  readonly run: (Progress & { readonly state: RunState }) | null;
  readonly quantization: QuantizeSettings | null;
  readonly accuracies: Accuracies;
  readonly curves: readonly CurvePoint[];
  readonly histograms: readonly LayerHistogram[];
}

/** Probabilities of the ten digits. */
export type Probabilities = readonly number[];

/** Every command by name: what it is given, and what answers it. */
export interface Commands {
  /**
   * The first command: chooses the engine, makes a network, or restores one from a checkpoint. If the engine cannot be had,
   * `notice` says why and another one is used; if the checkpoint cannot be used, `notice` says why and the network is new.
   */
  start: {
    input: { engine: EngineChoice; seed: number; checkpoint?: Uint8Array };
    output: {
      engine: EngineReport;
      /** Numbers of images and of parameters. */
      data: { train: number; test: number };
      parameters: number;
      state: SessionState;
      notice: string | null;
    };
  };
  /** Moves everything to another engine; a run that was going on goes on. If it cannot be had, that is an error and nothing changes. */
  setEngine: { input: { engine: EngineChoice }; output: { engine: EngineReport } };
  /** A new, untrained network. Ends a run. */
  restart: { input: { seed: number }; output: { state: SessionState } };
  /** Begins a run; answered when it has begun. `fineTune` needs a quantized network. Pauses and replaces a run that goes on. */
  train: { input: TrainOptions & { phase: Phase }; output: Progress };
  /** Answered when the run stands still, after the step in hand. Without a run that goes on: no effect. */
  pause: { input: Record<never, never>; output: { paused: boolean } };
  /** Goes on with a paused run, if wanted with another learning rate. */
  continue: { input: { learningRate?: number }; output: Progress };
  /** Quantizes a copy of the float network, in place of an earlier quantized one. Ends a run. */
  quantize: {
    input: QuantizeSettings;
    output: { accuracies: Accuracies; histograms: readonly LayerHistogram[] };
  };
  /** Accuracy on all test images of every network there is, now. */
  evaluate: { input: Record<never, never>; output: { accuracies: Accuracies } };
  /**
   * Moves the ends of a quantizer's range; both are given as they should be, ends that cannot move are ignored. Of commands
   * that arrive faster than they can be computed, only the last for a quantizer is, and it answers all.
   */
  setRange: {
    input: { quantizer: string; low: number; high: number };
    output: { grid: Grid; accuracies: Accuracies };
  };
  /** Takes back what `setRange` did. */
  resetRange: { input: { quantizer: string }; output: { grid: Grid; accuracies: Accuracies } };
  /** Histograms now, of activations on some test images. */
  histograms: { input: Record<never, never>; output: { histograms: readonly LayerHistogram[] } };
  /** What both networks say about an image of 8 x 8 pixels, row by row, 0 (paper) to 1 (ink). */
  predict: {
    input: { pixels: readonly number[] };
    output: { float: Probabilities; quantized: Probabilities | null };
  };
  /** One of the test images; the index wraps around. */
  testDigit: { input: { index: number }; output: { pixels: readonly number[]; label: number } };
  /** Everything needed to go on, as the bytes of a safetensors file. */
  saveCheckpoint: { input: Record<never, never>; output: { bytes: Uint8Array } };
  /** Restores a checkpoint. A file that is none, or of another network, is an error, and nothing changes. */
  loadCheckpoint: { input: { bytes: Uint8Array }; output: { state: SessionState } };
  /** OpenVINO IR of the quantized network, or of the float one if there is no quantized one. */
  exportIr: {
    input: Record<never, never>;
    output: { xml: Uint8Array; bin: Uint8Array; network: 'float' | 'quantized' };
  };
}

export type CommandName = keyof Commands;
export type Input<Name extends CommandName> = Commands[Name]['input'];
export type Output<Name extends CommandName> = Commands[Name]['output'];

/** From the page to the worker. */
export type CommandMessage = {
  [Name in CommandName]: { readonly id: number; readonly command: Name; readonly input: Input<Name> };
}[CommandName];

/** What went wrong, in words for a visitor. */
export interface Failure {
  /** Code of the library's typed error, such as `CHECKPOINT_MISMATCH`; `UNEXPECTED` for another error. */
  readonly code: string;
  readonly message: string;
}

/** What the worker says by itself. */
export interface Events {
  /** At most about ten times a second, and at the end of every epoch. */
  progress: Progress;
  /** New points of the curves, to be added to those that the page has. */
  points: { readonly points: readonly CurvePoint[] };
  /** At the end of epochs, at most about twice a second. */
  histograms: { readonly histograms: readonly LayerHistogram[] };
  /** A run has done all of its steps. */
  runEnded: Progress;
  /**
   * Something failed while training (numbers grew beyond all bounds, the GPU was lost), and everything is as it was at the last
   * checkpoint. Where the engine failed, it is another one, and the run goes on (`state.run.state`); else it is paused.
   */
  restored: { readonly failure: Failure; readonly engine: EngineReport; readonly state: SessionState };
  /** A checkpoint for the page to keep, so that no finished work is lost: after epochs (at most one a second), quantization, and runs. */
  checkpoint: { readonly bytes: Uint8Array };
}

export type EventName = keyof Events;

/** From the worker to the page. */
export type WorkerMessage =
  | { readonly id: number; readonly output: Output<CommandName> }
  | { readonly id: number; readonly failure: Failure }
  | { [Name in EventName]: { readonly event: Name; readonly detail: Events[Name] } }[EventName];
