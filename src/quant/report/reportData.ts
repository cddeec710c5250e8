/** What a report says. */
import type { QuantizationMode } from '../spec.js';
import type { Measurement } from './measure.js';

/** One quantizer. */
export interface QuantizerReport extends Measurement {
  readonly name: string;
  readonly kind: 'weights' | 'activations';
  readonly mode: QuantizationMode;
  readonly bits: number;
  /** Number of values that there are. */
  readonly levels: number;
  /** Name of the operation at which it stands. */
  readonly operation: string;
  /** Names of the operations that compute with the quantized values. */
  readonly readers: readonly string[];
  /** Layers of these operations as `bitsByName` takes them; the operation itself where it is in none. */
  readonly layers: readonly string[];
  /** Ends of the range; of the channel with the widest one. */
  readonly low: number;
  readonly high: number;
  /** Number of ranges: 1, or one for each channel. */
  readonly channels: number;
  /** False for one that is switched off. */
  readonly enabled: boolean;
  /** Share of values beyond the range, which are cut off, from 0 to 1. */
  readonly clipped: number;
  /** The metric, or the error of the outputs, with this quantizer alone switched off; null if it is off anyway. */
  readonly withoutIt: number | null;
  /** How much better that is than with all quantizers: the metric gained, or the error saved; null if it is off anyway. */
  readonly harm: number | null;
}

/** What a report says; `table()` and `html()` show it. */
export interface ReportData {
  readonly title: string;
  /** `metric`: the validation function's. `error`: root of the mean squared error of outputs relative to their size. */
  readonly measure: 'metric' | 'error';
  /** The metric with all quantizers off; 0 for `error`. */
  readonly float: number;
  /** The metric, or the error of the outputs, as the model is. */
  readonly quantized: number;
  /** Number of items it was measured on. */
  readonly items: number;
  /** The most harmful first. */
  readonly quantizers: readonly QuantizerReport[];
}
