/**
 * What a hardware table says: for each operation, which quantizers its inputs and weights can have, best
 * first. A table is data; placement reads it and knows no operation by name.
 */
import type { QuantizationMode } from '../spec.js';

/** A configuration before the bit width is chosen. */
export interface ConfigChoice {
  readonly mode: QuantizationMode;
  readonly perChannel: boolean;
}

export interface OperationSupport {
  /** Quantizers of the data inputs, best first. Empty: the operation's default trait decides. */
  readonly activations: readonly ConfigChoice[];
  /** Quantizers of constant weights, best first. Absent: weights are not quantized. */
  readonly weights?: readonly ConfigChoice[];
  /** Quantizers of the inputs where the operation is a depthwise convolution. */
  readonly depthwiseActivations?: readonly ConfigChoice[];
}

export interface TargetTable {
  readonly name: string;
  readonly operations: Readonly<Record<string, OperationSupport>>;
}
