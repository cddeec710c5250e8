/** What a file says about how its model was made: the `quantgrad` section of `rt_info`. All values are strings. */
import type { QuantizationRecord } from '../quant/record.js';
import type { RuntimeInfo } from './document.js';
import { LIBRARY_VERSION } from './version.js';

/** @param record Of a quantized model; null for a float one. */
export function quantgradInfo(record: QuantizationRecord | null): RuntimeInfo {
  const version = String(LIBRARY_VERSION);
  if (!record) return { version };
  return {
    version,
    quantization: {
      preset: record.preset,
      target_device: record.targetDevice,
      subset_size: String(record.subsetSize),
      fast_bias_correction: String(record.fastBiasCorrection),
      overflow_fix: record.overflowFix,
      bits_weights: String(record.bits.weights),
      bits_activations: String(record.bits.activations),
      ignored_scope: JSON.stringify(record.ignoredScope),
      ...(record.modelType === undefined ? {} : { model_type: record.modelType }),
      ...(record.advancedParameters === undefined
        ? {}
        : { advanced_parameters: JSON.stringify(record.advancedParameters) }),
    },
  };
}
