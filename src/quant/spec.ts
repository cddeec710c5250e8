/** What a quantizer is: mode, bits, sign, granularity. The vocabulary is NNCF's. */
import type { CodeRange } from '../ops/quantization/quantizeDequantize.js';

export type QuantizationMode = 'symmetric' | 'asymmetric';

/** One way to quantize a tensor, as a hardware table offers it. */
export interface QuantizerConfig {
  readonly mode: QuantizationMode;
  readonly bits: number;
  readonly perChannel: boolean;
  /** Leaves out the lowest code, so that the codes are symmetric (-127..127). */
  readonly narrowRange: boolean;
  /** Whether the codes must have a sign (true) or none (false). Absent: calibration decides. */
  readonly signednessToForce?: boolean;
}

/** A quantizer of a model: a configuration, and the sign found by calibration. */
export interface QuantizerSpec extends QuantizerConfig {
  readonly kind: 'weights' | 'activations';
  readonly signed: boolean;
}

/** The integer codes of a quantizer (docs/quantization.md). Asymmetric codes count from the lower end. */
export function codeRange({
  mode,
  bits,
  signed,
  narrowRange,
}: Pick<QuantizerSpec, 'mode' | 'bits' | 'signed' | 'narrowRange'>): CodeRange {
  const narrow = narrowRange ? 1 : 0;
  if (mode === 'asymmetric') return { levelLow: 0, levelHigh: 2 ** bits - 1 - narrow };
  if (signed) return { levelLow: -(2 ** (bits - 1)) + narrow, levelHigh: 2 ** (bits - 1) - 1 };
  return { levelLow: 0, levelHigh: 2 ** bits - 1 - narrow };
}

export const sameConfig = (a: QuantizerConfig, b: QuantizerConfig): boolean =>
  a.mode === b.mode &&
  a.bits === b.bits &&
  a.perChannel === b.perChannel &&
  a.narrowRange === b.narrowRange &&
  a.signednessToForce === b.signednessToForce;
