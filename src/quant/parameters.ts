/** The words and parameters in which a user says how to quantize. The names are NNCF's, in camelCase. */
import type { PropagationRule } from './placement/mergeRules.js';
import type { RangeEstimatorParameters } from './rangeEstimator.js';
import type { QuantizationMode } from './spec.js';

export const PRESETS = ['performance', 'mixed'] as const;
export type Preset = (typeof PRESETS)[number];
export const TARGET_DEVICES = ['any', 'cpu', 'gpu', 'npu', 'cpu_spr'] as const;
export type TargetDevice = (typeof TARGET_DEVICES)[number];
export const MODEL_TYPES = ['transformer'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];
export const OVERFLOW_FIXES = ['enable', 'firstLayer', 'disable'] as const;
export type OverflowFix = (typeof OVERFLOW_FIXES)[number];

/** What all quantizers of a kind must be. What is left out is free; the target's table decides. */
export interface QuantizationParameters {
  /** Width of the codes, from 2 to 8 bits. */
  readonly numBits?: number;
  readonly mode?: QuantizationMode;
  /** Codes with a sign (true) or without (false). Default: as the table or calibration has it. */
  readonly signednessToForce?: boolean;
  readonly perChannel?: boolean;
  /** Leaves out the lowest code. */
  readonly narrowRange?: boolean;
}

/** NNCF's parameters of the same names. */
export interface AdvancedQuantizationParameters {
  /**
   * Keeps the codes of weights within half of their range, where older x86 processors would saturate: for the
   * `firstLayer` (default at 8 bits), for all convolutions but depthwise ones and all matrix products (`enable`), or not
   * (`disable`; the default at other widths).
   */
  readonly overflowFix?: OverflowFix;
  /** Also quantize what the model returns. Default: false. */
  readonly quantizeOutputs?: boolean;
  /** Leave biases as they are. Default: false. */
  readonly disableBiasCorrection?: boolean;
  /** Take ranges image by image within a batch, so that they do not depend on its size. Default: if a batch has several. */
  readonly batchwiseStatistics?: boolean;
  readonly activationsQuantizationParams?: QuantizationParameters;
  readonly weightsQuantizationParams?: QuantizationParameters;
  /** How quantizers of several branches become one. Default: `mergeAllInOne`. */
  readonly quantizerPropagationRule?: PropagationRule;
  readonly activationsRangeEstimatorParams?: RangeEstimatorParameters;
  readonly weightsRangeEstimatorParams?: RangeEstimatorParameters;
  readonly biasCorrectionParams?: BiasCorrectionParameters;
  readonly smoothQuantAlphas?: SmoothQuantAlphas;
}

export interface BiasCorrectionParameters {
  /** Also layers without a bias: NNCF has the name but not the function, and so it is here. Default: false. */
  readonly applyForAllNodes?: false;
  /** Largest relative change of a bias that is believed. Default: 2, or 1000 without `fastBiasCorrection`. */
  readonly threshold?: number;
}

/** How much of the spread of activations SmoothQuant moves into the weights, from 0 to 1; negative: not for these layers. */
export interface SmoothQuantAlphas {
  /** Default: -1. */
  readonly convolution?: number;
  /** Default: 0.95. */
  readonly matmul?: number;
}
