/** The options of quantize(): what they are, their defaults (NNCF's), and what they come to together. */
import { UnsupportedError, ValidationError } from '../errors.js';
import type { RangeGradient } from '../ops/quantization/quantizeDequantize.js';
import { checkOptions } from '../options.js';
import type { IgnoredScope } from './ignoredScope.js';
import type { BitsByName } from './layerBits.js';
import {
  type AdvancedQuantizationParameters,
  MODEL_TYPES,
  type ModelType,
  OVERFLOW_FIXES,
  type OverflowFix,
  PRESETS,
  type Preset,
  type QuantizationParameters,
  type SmoothQuantAlphas,
  TARGET_DEVICES,
  type TargetDevice,
} from './parameters.js';
import type { ConfigConstraints } from './placement/constraints.js';
import { PROPAGATION_RULES, type PropagationRule } from './placement/mergeRules.js';
import { checkRangeEstimator, type RangeEstimatorParameters } from './rangeEstimator.js';
import type { QuantizationRecord } from './record.js';
import type { QuantizationMode } from './spec.js';
import { targetTable } from './targets/index.js';
import type { TargetTable } from './targets/target.js';

export interface QuantizeOptions {
  /**
   * `performance`: weights and activations symmetric. `mixed`: activations asymmetric. Default: `mixed` for transformers,
   * else `performance`.
   */
  readonly preset?: Preset;
  /**
   * Hardware the model is for, also in NNCF's upper-case spelling. `any` (default) and `cpu` are the same table; `gpu` and
   * `npu` have their own at other widths than 8 bits; `cpu_spr` is a fourth-generation Xeon.
   */
  readonly targetDevice?: TargetDevice | Uppercase<TargetDevice>;
  /** `transformer`: SmoothQuant, and only matrix products, convolutions and embeddings are quantized. Default: none. */
  readonly modelType?: ModelType | null;
  /** Number of calibration items (batches, if the data comes in batches) to use at most. Default: 300. */
  readonly subsetSize?: number;
  /**
   * How biases are corrected for the shift that quantized weights cause: each layer by itself (true, the default), or
   * layer after layer on a fifth of the calibration items, which takes longer (false).
   */
  readonly fastBiasCorrection?: boolean;
  /** Operations to leave in float. Default: none. */
  readonly ignoredScope?: IgnoredScope;
  /**
   * Bits of the codes, from 2 to 8, whether or not the target computes with them; `numBits` of `advancedParameters` asks
   * for what its table has. Default: 8 for both.
   */
  readonly bits?: number | { readonly weights?: number; readonly activations?: number };
  /**
   * Bits of single layers in place of `bits`, by name: `{ 'layer1.0': 4, fc: { weights: 8 } }`, or pairs with regular
   * expressions: `[[/conv/, 4], ['fc', 8]]`; the last that matches decides. Default: none.
   */
  readonly bitsByName?: BitsByName;
  /** How training computes the gradients of ranges: as NNCF does (`nncf`, default), or the `exact` derivative. */
  readonly rangeGradient?: RangeGradient;
  /** Short for `advancedParameters.overflowFix`. */
  readonly overflowFix?: OverflowFix;
  /** Short for `advancedParameters.batchwiseStatistics`. */
  readonly batchwiseStatistics?: boolean;
  readonly advancedParameters?: AdvancedQuantizationParameters;
  /** Called after each calibration item with the number done. */
  readonly onProgress?: (done: number) => void;
}

/** What the options come to. */
export interface ResolvedOptions {
  readonly record: QuantizationRecord;
  readonly target: TargetTable;
  readonly transformer: boolean;
  readonly quantizeOutputs: boolean;
  readonly rule: PropagationRule;
  /** What the quantizers of a kind must be besides the preset's mode. */
  readonly constraints: { readonly weights: ConfigConstraints; readonly activations: ConfigConstraints };
  readonly bitsByName: BitsByName;
  readonly rangeGradient: RangeGradient;
  /** Widths in place of the tables' 8 bits. */
  readonly widths: { readonly weights: number; readonly activations: number };
  readonly ranges: { readonly weights: RangeEstimatorParameters; readonly activations: RangeEstimatorParameters };
  /** Null: whether a batch has several images decides. */
  readonly batchwiseStatistics: boolean | null;
  readonly biasCorrection: { readonly method: 'fast' | 'full'; readonly threshold: number } | null;
  /** Null: no SmoothQuant. */
  readonly smoothQuant: Required<SmoothQuantAlphas> | null;
}

const OPTION_NAMES = [
  ...['preset', 'targetDevice', 'modelType', 'subsetSize', 'fastBiasCorrection', 'ignoredScope', 'bits'],
  ...['bitsByName', 'rangeGradient', 'overflowFix', 'batchwiseStatistics', 'advancedParameters', 'onProgress'],
] as const;
const ADVANCED_NAMES = [
  ...['overflowFix', 'quantizeOutputs', 'disableBiasCorrection', 'batchwiseStatistics'],
  ...['activationsQuantizationParams', 'weightsQuantizationParams', 'quantizerPropagationRule'],
  ...['activationsRangeEstimatorParams', 'weightsRangeEstimatorParams', 'biasCorrectionParams', 'smoothQuantAlphas'],
] as const;
const PARAMETER_NAMES = ['numBits', 'mode', 'signednessToForce', 'perChannel', 'narrowRange'] as const;
const ADVANCED = 'quantize: advancedParameters';

const invalid = (option: string, message: string): ValidationError =>
  new ValidationError('INVALID_OPTION', `quantize: ${message}`, { option });

function oneOf<T extends string>(name: string, value: T, known: readonly T[]): T {
  if (!known.includes(value))
    throw invalid(
      name,
      `${name} is '${String(value)}', but must be one of ${known.map((item) => `'${item}'`).join(', ')}.`,
    );
  return value;
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(name, `${name} must be true or false, not ${String(value)}.`);
  return value;
}

function width(name: string, value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 2 || (value as number) > 8)
    throw invalid(name, `${name} must be a whole number from 2 to 8, not ${String(value)}.`);
  return value as number;
}

/** An option that stands in two places; both may say the same. */
function either<T>(name: string, short: T | undefined, long: T | undefined): T | undefined {
  if (short !== undefined && long !== undefined && short !== long)
    throw invalid(
      name,
      `${name} is ${String(short)}, but advancedParameters says ${String(long)}. Give it in one place.`,
    );
  return short ?? long;
}

function parameters(kind: 'weights' | 'activations', given: QuantizationParameters = {}): ConfigConstraints {
  const where = `${ADVANCED}.${kind}QuantizationParams`;
  checkOptions(where, given, PARAMETER_NAMES);
  const { numBits, mode, signednessToForce, perChannel, narrowRange } = given;
  const named = (name: string): string => `advancedParameters.${kind}QuantizationParams.${name}`;
  for (const [name, value] of Object.entries({ signednessToForce, perChannel, narrowRange }))
    if (value !== undefined) flag(named(name), value);
  return {
    ...(numBits === undefined ? {} : { bits: width(named('numBits'), numBits) }),
    ...(mode === undefined ? {} : { mode: oneOf<QuantizationMode>(named('mode'), mode, ['symmetric', 'asymmetric']) }),
    ...(signednessToForce === undefined ? {} : { signednessToForce }),
    ...(perChannel === undefined ? {} : { perChannel }),
    ...(narrowRange === undefined ? {} : { narrowRange }),
  };
}

function resolveBits(
  given: QuantizeOptions['bits'] = {},
  constraints: ResolvedOptions['constraints'],
): ResolvedOptions['widths'] {
  const kinds = typeof given === 'number' ? { weights: given, activations: given } : given;
  checkOptions('quantize: bits', kinds, ['weights', 'activations']);
  const of = (kind: 'weights' | 'activations'): number => {
    const short = kinds[kind] === undefined ? undefined : width(`bits of ${kind}`, kinds[kind]);
    return either(`bits of ${kind}`, short, constraints[kind].bits) ?? 8;
  };
  return { weights: of('weights'), activations: of('activations') };
}

function biasCorrection(fast: boolean, advanced: AdvancedQuantizationParameters): ResolvedOptions['biasCorrection'] {
  const { disableBiasCorrection = false, biasCorrectionParams = {} } = advanced;
  checkOptions(`${ADVANCED}.biasCorrectionParams`, biasCorrectionParams, ['applyForAllNodes', 'threshold']);
  const { applyForAllNodes = false, threshold = fast ? 2 : 1000 } = biasCorrectionParams;
  if (flag('applyForAllNodes', applyForAllNodes))
    throw new UnsupportedError(
      'APPLY_FOR_ALL_NODES',
      'quantize: applyForAllNodes is not supported, as in NNCF. Give layers a bias to have it corrected.',
    );
  if (!(typeof threshold === 'number' && threshold >= 0))
    throw invalid('threshold', `biasCorrectionParams.threshold must be 0 or more, not ${String(threshold)}.`);
  if (flag('disableBiasCorrection', disableBiasCorrection)) return null;
  return { method: fast ? 'fast' : 'full', threshold };
}

function smoothQuant(transformer: boolean, given: SmoothQuantAlphas = {}): ResolvedOptions['smoothQuant'] {
  checkOptions(`${ADVANCED}.smoothQuantAlphas`, given, ['convolution', 'matmul']);
  const alphas = { convolution: given.convolution ?? -1, matmul: given.matmul ?? 0.95 };
  for (const [name, alpha] of Object.entries(alphas))
    if (!(typeof alpha === 'number' && alpha <= 1))
      throw invalid(name, `smoothQuantAlphas.${name} must be from 0 to 1, or negative for none, not ${String(alpha)}.`);
  return transformer && (alphas.convolution >= 0 || alphas.matmul >= 0) ? alphas : null;
}

/** @throws ValidationError for options that make no sense, UnsupportedError for one that is not there. */
export function resolveOptions(options: QuantizeOptions = {}): ResolvedOptions {
  checkOptions('quantize', options, OPTION_NAMES);
  const advanced = options.advancedParameters ?? {};
  checkOptions(ADVANCED, advanced, ADVANCED_NAMES);
  const subsetSize = options.subsetSize ?? 300;
  if (!Number.isInteger(subsetSize) || subsetSize < 1)
    throw invalid('subsetSize', `subsetSize must be a positive whole number, not ${String(subsetSize)}.`);
  const modelType = options.modelType ?? undefined;
  if (modelType !== undefined) oneOf('modelType', modelType, MODEL_TYPES);
  const transformer = modelType === 'transformer';
  const device = String(options.targetDevice ?? 'any').toLowerCase() as TargetDevice;
  const targetDevice = oneOf('targetDevice', device, TARGET_DEVICES);
  const constraints = {
    weights: parameters('weights', advanced.weightsQuantizationParams),
    activations: parameters('activations', advanced.activationsQuantizationParams),
  };
  const bits = resolveBits(options.bits, constraints);
  const eight = bits.weights === 8 && bits.activations === 8;
  const overflowFix = either('overflowFix', options.overflowFix, advanced.overflowFix);
  const batchwise = either('batchwiseStatistics', options.batchwiseStatistics, advanced.batchwiseStatistics);
  const fastBiasCorrection = flag('fastBiasCorrection', options.fastBiasCorrection ?? true);
  checkRangeEstimator(`${ADVANCED}.weightsRangeEstimatorParams`, advanced.weightsRangeEstimatorParams);
  checkRangeEstimator(`${ADVANCED}.activationsRangeEstimatorParams`, advanced.activationsRangeEstimatorParams);
  return {
    record: {
      preset: oneOf('preset', options.preset ?? (transformer ? 'mixed' : 'performance'), PRESETS),
      targetDevice,
      ...(modelType === undefined ? {} : { modelType }),
      subsetSize,
      fastBiasCorrection,
      overflowFix: oneOf('overflowFix', overflowFix ?? (eight ? 'firstLayer' : 'disable'), OVERFLOW_FIXES),
      bits,
      ignoredScope: options.ignoredScope ?? {},
      ...(options.advancedParameters === undefined ? {} : { advancedParameters: options.advancedParameters }),
    },
    // At 8 bits NNCF takes the CPU's table for these, too.
    target: targetTable(eight && (targetDevice === 'gpu' || targetDevice === 'npu') ? 'cpu' : targetDevice),
    transformer,
    quantizeOutputs: flag('quantizeOutputs', advanced.quantizeOutputs ?? false),
    rule: oneOf(
      'quantizerPropagationRule',
      advanced.quantizerPropagationRule ?? 'mergeAllInOne',
      PROPAGATION_RULES as readonly PropagationRule[],
    ),
    constraints,
    bitsByName: options.bitsByName ?? {},
    rangeGradient: oneOf('rangeGradient', options.rangeGradient ?? 'nncf', ['nncf', 'exact']),
    widths: {
      weights: constraints.weights.bits === undefined ? bits.weights : 8,
      activations: constraints.activations.bits === undefined ? bits.activations : 8,
    },
    ranges: {
      weights: advanced.weightsRangeEstimatorParams ?? {},
      activations: advanced.activationsRangeEstimatorParams ?? {},
    },
    batchwiseStatistics: batchwise === undefined ? null : flag('batchwiseStatistics', batchwise),
    biasCorrection: biasCorrection(fastBiasCorrection, advanced),
    smoothQuant: smoothQuant(transformer, advanced.smoothQuantAlphas),
  };
}
