/** How a model was quantized: kept with it and written into its files. All of it is plain JSON. */

import type { IgnoredScope } from './ignoredScope.js';
import type { AdvancedQuantizationParameters, ModelType, OverflowFix, Preset, TargetDevice } from './parameters.js';

export interface QuantizationRecord {
  readonly preset: Preset;
  readonly targetDevice: TargetDevice;
  readonly modelType?: ModelType;
  readonly subsetSize: number;
  readonly fastBiasCorrection: boolean;
  readonly overflowFix: OverflowFix;
  readonly bits: { readonly weights: number; readonly activations: number };
  readonly ignoredScope: IgnoredScope;
  /** As given by the user, if at all. */
  readonly advancedParameters?: AdvancedQuantizationParameters;
}
