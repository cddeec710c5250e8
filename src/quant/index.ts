/** Quantization: post-training quantization, quantized models that train, and their configuration. */
export type { RangeGradient } from '../ops/quantization/quantizeDequantize.js';
export { type BatchNormAdaptationOptions, batchNormAdaptation } from './batchNormAdaptation.js';
export type { CalibrationSource } from './calibration.js';
export { getConfig, loadFromConfig, type QuantizationConfig, type QuantizerEntry } from './config.js';
export type { IgnoredScope } from './ignoredScope.js';
export { type QuantizeOptions, quantize } from './quantize.js';
export { type QuantizationRecord, QuantizedModel } from './quantizedModel.js';
export { Quantizer, type QuantizerTarget } from './quantizer.js';
export type { RangeGuardMode, RangeWarning } from './rangeGuard.js';
export { codeRange, type QuantizationMode, type QuantizerConfig, type QuantizerSpec } from './spec.js';
