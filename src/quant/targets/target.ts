/**
 * What a hardware table says: for each operation, which quantizers its inputs and weights can have, best
 * first. A table is data; placement reads it and knows no operation by name.
 */
import type { QuantizationMode, QuantizerConfig } from '../spec.js';

/** Configurations of one width: every combination of the lists, in their order. */
export interface ConfigSpace {
  readonly bits: number;
  readonly modes: readonly QuantizationMode[];
  readonly perChannel: readonly boolean[];
  readonly narrowRange: readonly boolean[];
  /** Whether the codes must have a sign. Absent: calibration decides. */
  readonly signednessToForce?: boolean;
}

/** `any`: one configuration as the options want it, whatever it is; for operations that the table does not restrict. */
export type InputSupport = readonly ConfigSpace[] | 'any';

export interface OperationSupport {
  /** Quantizers of the data inputs, best first. Empty: the operation's default trait decides. */
  readonly activations: InputSupport;
  /** Quantizers of constant weights, best first. Absent: weights are not quantized. */
  readonly weights?: readonly ConfigSpace[];
  /** What holds instead where the operation is a depthwise convolution. */
  readonly depthwise?: { readonly activations: readonly ConfigSpace[]; readonly weights: readonly ConfigSpace[] };
  /** Whether all quantizers of the inputs must share one scale. Concat: those in front of a weighted operation. */
  readonly unifiedScales?: boolean;
}

export interface TargetTable {
  readonly name: string;
  readonly operations: Readonly<Record<string, OperationSupport>>;
  /** Types of operations that stay in float in a transformer, where they are the first of what hardware fuses. */
  readonly transformerIgnored: readonly string[];
  /** Whether the sum of a residual connection has one quantized operand only. */
  readonly oneQuantizerAtAdd?: boolean;
}

/** The configurations of a space, in the order of NNCF's tables: by mode, then granularity, then narrowness. */
export const configsOf = (space: ConfigSpace): QuantizerConfig[] =>
  space.modes.flatMap((mode) =>
    space.perChannel.flatMap((perChannel) =>
      space.narrowRange.map((narrowRange) => ({
        ...{ mode, bits: space.bits, perChannel, narrowRange },
        ...(space.signednessToForce === undefined ? {} : { signednessToForce: space.signednessToForce }),
      })),
    ),
  );

/** The same support for several types of operations. */
export const forTypes = (support: OperationSupport, ...types: readonly string[]): Record<string, OperationSupport> =>
  Object.fromEntries(types.map((type) => [type, support]));
