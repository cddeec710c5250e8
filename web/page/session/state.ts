/** What the page shows, apart from the curves (which grow too often to be state) and what is drawn. */
import type { Accuracies, EngineReport, LayerHistogram, Progress, QuantizeSettings, RunState } from '../../protocol.js';

/** What the worker is busy with besides training; the controls that would interfere wait for it. */
export type Task = 'starting' | 'quantizing' | 'switching' | 'loading' | 'restarting' | 'exporting' | null;

export interface Notice {
  readonly id: number;
  readonly kind: 'problem' | 'news';
  readonly title: string;
  readonly text: string;
  /** A way out, as a button. */
  readonly action?: { readonly label: string; run(): void };
}

export interface Sizes {
  /** Bytes of the weights' file. */
  readonly float: number | null;
  readonly quantized: number | null;
}

/** What the visitor has chosen; each of them is a control. */
export interface Settings {
  readonly epochs: number;
  readonly learningRate: number;
  readonly bits: number;
  readonly fineTuneEpochs: number;
  /** Used at the next fresh start. */
  readonly seed: number;
}

export interface PageState {
  /** `dead`: there is no worker, and none could be started. */
  readonly life: 'starting' | 'alive' | 'dead';
  readonly task: Task;
  readonly engine: EngineReport | null;
  readonly data: { readonly train: number; readonly test: number } | null;
  readonly parameters: number | null;
  /** That the network was made with. */
  readonly seed: number;
  readonly run: (Progress & { readonly state: RunState }) | null;
  readonly quantization: QuantizeSettings | null;
  readonly accuracies: Accuracies;
  readonly sizes: Sizes;
  readonly histograms: readonly LayerHistogram[];
  readonly settings: Settings;
  readonly notices: readonly Notice[];
  /** Read out by screen readers: when something begins or ends, not at every step. */
  readonly announcement: string;
  /** Grows whenever a network has changed, so that answers are out of date. */
  readonly version: number;
}

export const NO_ACCURACIES: Accuracies = { float: null, quantized: null, fineTuned: null };

export const DEFAULT_SETTINGS: Settings = { epochs: 20, learningRate: 0.003, bits: 8, fineTuneEpochs: 5, seed: 0 };

export const INITIAL: PageState = {
  life: 'starting',
  task: 'starting',
  engine: null,
  data: null,
  parameters: null,
  seed: DEFAULT_SETTINGS.seed,
  run: null,
  quantization: null,
  accuracies: NO_ACCURACIES,
  sizes: { float: null, quantized: null },
  histograms: [],
  settings: DEFAULT_SETTINGS,
  notices: [],
  announcement: '',
  version: 0,
};
