/** Quantization: post-training quantization, quantized models that train, and their configuration. */
export type { RangeGradient } from '../ops/quantization/quantizeDequantize.js';
export {
  type AccuracyControlOptions,
  type AccuracyControlResult,
  type AccuracyProgress,
  quantizeWithAccuracyControl,
  type RevertedGroup,
} from './accuracy/accuracyControl.js';
export type { ValidationFunction, ValidationResult, ValidationSource } from './accuracy/evaluator.js';
export type { RestoreMode } from './accuracy/revert.js';
export { type BatchNormAdaptationOptions, batchNormAdaptation } from './batchNormAdaptation.js';
export type { CalibrationSource } from './calibration.js';
export { getConfig, loadFromConfig, type QuantizationConfig, type QuantizerEntry } from './config.js';
export type { IgnoredScope } from './ignoredScope.js';
export type { BitsByName, LayerBits } from './layerBits.js';
export type {
  AdvancedQuantizationParameters,
  BiasCorrectionParameters,
  ModelType,
  OverflowFix,
  Preset,
  QuantizationParameters,
  SmoothQuantAlphas,
  TargetDevice,
} from './parameters.js';
export type { PropagationRule } from './placement/mergeRules.js';
export { type QuantizeOptions, quantize } from './quantize.js';
export { QuantizedModel } from './quantizedModel.js';
export { Quantizer, type QuantizerTarget } from './quantizer.js';
export {
  type AggregatorType,
  RANGE_ESTIMATORS,
  type RangeEstimatorParameters,
  type StatisticsCollectorParameters,
  type StatisticsType,
} from './rangeEstimator.js';
export type { RangeGuardMode, RangeWarning } from './rangeGuard.js';
export type { QuantizationRecord } from './record.js';
export { QuantizationReport, type ReportOptions, report } from './report/report.js';
export type { QuantizerReport, ReportData } from './report/reportData.js';
export { codeRange, type QuantizationMode, type QuantizerConfig, type QuantizerSpec } from './spec.js';
export { type StripFormat, type StripOptions, strip } from './strip.js';
