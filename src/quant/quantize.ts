/**
 * quantize(): post-training quantization. Records the model, places quantizers, runs the calibration data
 * through the float model, sets the quantizers' ranges from what it saw, and corrects biases.
 */

import { noGrad } from '../autograd/gradMode.js';
import { UnsupportedError, ValidationError } from '../errors.js';
import type { Graph, GraphNode, GraphValue } from '../graph/graph.js';
import { copyGraph } from '../graph/graphModule.js';
import { type TracedModel, trace } from '../graph/trace.js';
import type { Module } from '../nn/module.js';
import { asymmetricFakeQuantize } from '../ops/quantization/asymmetricFakeQuantize.js';
import { symmetricFakeQuantize } from '../ops/quantization/symmetricFakeQuantize.js';
import { checkOptions } from '../options.js';
import { fromValues } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { type BiasedLayer, biasedLayers, correctBiases } from './biasCorrection.js';
import { type CalibrationSource, calibrationInputs, collectStatistics } from './calibration.js';
import { type IgnoredScope, ignoredNodes } from './ignoredScope.js';
import { hasKind } from './placement/fusedPatterns.js';
import { firstNode, isDepthwise, type Operator, throughIdentities } from './placement/operators.js';
import {
  type ActivationPlacement,
  firstConvolutions,
  type Placement,
  placementName,
  placeQuantizers,
  type WeightPlacement,
} from './placement/placement.js';
import type { UnifiedScaleGroup } from './placement/solver.js';
import { type QuantizationRecord, QuantizedModel } from './quantizedModel.js';
import { insertQuantizers, type QuantizerInsertion } from './quantizer.js';
import { mergeStatistics, type QuantizerParameters, quantizerParameters } from './ranges.js';
import { codeRange, type QuantizerConfig, type QuantizerSpec } from './spec.js';
import { ChannelMinMaxCollector, type Collector, MeanMinMaxCollector, type RangeStatistics } from './statistics.js';
import { CPU_TARGET } from './targets/cpu.js';

export interface QuantizeOptions {
  /** `performance` (default): weights and activations symmetric. `mixed`: activations asymmetric. */
  preset?: 'performance' | 'mixed';
  /** Hardware the model is for; `any` (default) and `cpu` are the same table. */
  targetDevice?: 'any' | 'cpu';
  /** Number of calibration items (batches, if the data comes in batches) to use at most. Default: 300. */
  subsetSize?: number;
  /** Correct biases for the shift that quantized weights cause. Default: true. */
  fastBiasCorrection?: boolean;
  /** Operations to leave in float. Default: none. */
  ignoredScope?: IgnoredScope;
  /** Bits of the codes, from 2 to 8. Default: 8 for both. */
  bits?: number | { weights?: number; activations?: number };
  /**
   * Keeps the codes of weights within half of their range, where older x86 processors would saturate: for the
   * `firstLayer` (default at 8 bits), for all convolutions but depthwise ones and all matrix products (`enable`), or not
   * (`disable`; the default at other widths).
   */
  overflowFix?: 'enable' | 'firstLayer' | 'disable';
  /** Take ranges image by image within a batch, so that they do not depend on its size. Default: true. */
  batchwiseStatistics?: boolean;
  /** Called after each calibration item with the number done. */
  onProgress?: (done: number) => void;
}

const OPTION_NAMES = [
  'preset',
  'targetDevice',
  'subsetSize',
  'fastBiasCorrection',
  'ignoredScope',
  'bits',
  'overflowFix',
  'batchwiseStatistics',
  'onProgress',
] as const;

function oneOf<T extends string>(name: string, value: T, known: readonly T[]): T {
  if (!known.includes(value)) {
    throw new ValidationError(
      'INVALID_OPTION',
      `quantize: ${name} is '${String(value)}', but must be one of ${known.map((item) => `'${item}'`).join(', ')}.`,
      { option: name },
    );
  }
  return value;
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean')
    throw new ValidationError('INVALID_OPTION', `quantize: ${name} must be true or false, not ${String(value)}.`, {
      option: name,
    });
  return value;
}

function resolveOptions(options: QuantizeOptions): QuantizationRecord {
  checkOptions('quantize', options, OPTION_NAMES);
  const given = options.bits ?? 8;
  if (typeof given !== 'number') checkOptions('quantize: bits', given, ['weights', 'activations']);
  const bits =
    typeof given === 'number'
      ? { weights: given, activations: given }
      : { weights: given.weights ?? 8, activations: given.activations ?? 8 };
  for (const [kind, value] of Object.entries(bits)) {
    if (!Number.isInteger(value) || value < 2 || value > 8) {
      throw new ValidationError(
        'INVALID_OPTION',
        `quantize: bits of ${kind} must be a whole number from 2 to 8, not ${String(value)}.`,
        { option: 'bits' },
      );
    }
  }
  const subsetSize = options.subsetSize ?? 300;
  if (!Number.isInteger(subsetSize) || subsetSize < 1)
    throw new ValidationError(
      'INVALID_OPTION',
      `quantize: subsetSize must be a positive whole number, not ${subsetSize}.`,
      { option: 'subsetSize' },
    );
  const eight = bits.weights === 8 && bits.activations === 8;
  return {
    preset: oneOf('preset', options.preset ?? 'performance', ['performance', 'mixed']),
    targetDevice: oneOf('targetDevice', options.targetDevice ?? 'any', ['any', 'cpu']),
    subsetSize,
    fastBiasCorrection: flag('fastBiasCorrection', options.fastBiasCorrection ?? true),
    overflowFix: oneOf('overflowFix', options.overflowFix ?? (eight ? 'firstLayer' : 'disable'), [
      'enable',
      'firstLayer',
      'disable',
    ]),
    bits,
    ignoredScope: options.ignoredScope ?? {},
  };
}

/**
 * Quantizes a copy of a model: FakeQuantize operations where the hardware wants them, with ranges from
 * `calibration`. The result trains like any module; the given model is not changed.
 * @param calibration A `CalibrationDataset`, or any iterable of what `forward` takes (a tensor, or an array of them).
 * @throws ValidationError for empty or non-finite calibration data and for options that make no sense.
 * @throws TraceError if the model cannot be recorded as a graph.
 */
export async function quantize<M extends Module>(
  model: M,
  calibration: CalibrationSource,
  options: QuantizeOptions = {},
): Promise<QuantizedModel<M>> {
  const record = resolveOptions(options);
  const perImage = flag('batchwiseStatistics', options.batchwiseStatistics ?? true);
  const samples = calibrationInputs(calibration, record.subsetSize);
  const first = await samples.next();
  if (first.done)
    throw new ValidationError(
      'CALIBRATION_EMPTY',
      'quantize: the calibration data is empty. Give at least one sample; 300 are usual.',
    );
  const { graph, structure } = copyTrace(trace(model, first.value));
  const placement = placeQuantizers(graph, {
    target: CPU_TARGET,
    ignored: ignoredNodes(graph, record.ignoredScope),
    activationMode: record.preset === 'mixed' ? 'asymmetric' : 'symmetric',
    bits: record.bits,
  });
  const ranges = activationCollectors(graph, placement, perImage);
  const layers = record.fastBiasCorrection ? biasedLayers(placement.weights) : [];
  await collectStatistics(graph, chain(first.value, samples), watchlist(ranges, layers), {
    onProgress: options.onProgress,
  });

  const half = protectedOperators(placement, record.overflowFix);
  const weights = await weightInsertions(placement.weights, ({ readers }) =>
    readers.some(({ operator }) => half.has(operator)),
  );
  const activations = activationInsertions(graph, ranges);
  const corrections = await correctBiases(layers, (constant) => quantizeWeights(weights, constant));
  for (const [constant, value] of corrections) noGrad(() => constant.constant.tensor.assign_(value));
  insertQuantizers(graph, [...weights.map(({ insertion }) => insertion), ...activations]);
  return new QuantizedModel<M>(graph, structure, record).train(model.training);
}

/** The operations whose weights are to keep within half of their codes. */
function protectedOperators({ operators }: Placement, overflowFix: QuantizationRecord['overflowFix']): Set<Operator> {
  if (overflowFix === 'disable') return new Set();
  if (overflowFix === 'firstLayer') return firstConvolutions(operators);
  return new Set(operators.filter((operator) => hasKind(firstNode(operator).type, 'linear') && !isDepthwise(operator)));
}

const copyTrace = ({ graph, structure }: TracedModel): TracedModel => ({ graph: copyGraph(graph), structure });

async function* chain(first: Tensor[], rest: AsyncIterable<Tensor[]>): AsyncGenerator<Tensor[]> {
  yield first;
  yield* rest;
}

/** An activation quantizer to be, and what collects its range. */
interface ActivationRange {
  readonly placement: ActivationPlacement;
  readonly value: GraphValue;
  readonly collector: Collector & { result(): RangeStatistics | null };
}

function activationCollectors(graph: Graph, placement: Placement, perImage: boolean): ActivationRange[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  return placement.activations.map((activation) => {
    const { point, node: name, port } = activation.target;
    const node = nodes.get(name) ?? graph.node(name);
    return {
      placement: activation,
      value: point === 'output' ? node.outputs[port] : throughIdentities(node.inputs[port]),
      collector: activation.config.perChannel ? new ChannelMinMaxCollector(1) : new MeanMinMaxCollector(perImage),
    };
  });
}

function watchlist(
  ranges: readonly ActivationRange[],
  layers: readonly BiasedLayer[],
): Map<GraphValue, { description: string; collectors: Collector[] }> {
  const list = new Map<GraphValue, { description: string; collectors: Collector[] }>();
  const watch = (value: GraphValue, collector: Collector): void => {
    const description = value.node.isParameter ? `input '${value.node.name}'` : `the output of '${value.node.name}'`;
    const entry = list.get(value) ?? { description, collectors: [] };
    entry.collectors.push(collector);
    list.set(value, entry);
  };
  for (const { value, collector } of ranges) watch(value, collector);
  for (const layer of layers) {
    watch(layer.inputValue, layer.input);
    watch(layer.outputValue, layer.output);
  }
  return list;
}

/** The parameters of a quantizer as tensors that broadcast to the value. */
function parameterTensors(parameters: QuantizerParameters, shape: readonly number[], like: Tensor | null): Tensor[] {
  const arrays = parameters.mode === 'symmetric' ? [parameters.scale] : [parameters.inputLow, parameters.inputRange];
  return arrays.map((values) => fromValues(values, shape, 'float32', { backend: like?.backend }));
}

const specOf = (
  kind: QuantizerSpec['kind'],
  config: QuantizerConfig,
  parameters: QuantizerParameters,
): QuantizerSpec => ({
  kind,
  mode: config.mode,
  bits: config.bits,
  perChannel: config.perChannel,
  narrowRange: config.narrowRange,
  signed: parameters.mode === 'symmetric' && parameters.signed,
});

interface WeightInsertion {
  readonly constant: GraphNode;
  readonly insertion: QuantizerInsertion;
}

async function weightInsertions(
  placements: readonly WeightPlacement[],
  halfRange: (placement: WeightPlacement) => boolean,
): Promise<WeightInsertion[]> {
  const insertions: WeightInsertion[] = [];
  for (const placement of placements) {
    const { tensor } = placement.weights.constant;
    const { config, channelAxis } = placement;
    if (tensor.dtype !== 'float32')
      throw new UnsupportedError(
        'WEIGHT_DTYPE',
        `quantize: the weights of '${placement.target.node}' are ${tensor.dtype}; only float32 models can be quantized.`,
      );
    const collector = config.perChannel ? new ChannelMinMaxCollector(channelAxis) : new MeanMinMaxCollector(false);
    collector.add(await tensor.data(), tensor.shape);
    const statistics = collector.result();
    if (!statistics)
      throw new ValidationError(
        'EMPTY_WEIGHTS',
        `quantize: the weights of '${placement.target.node}' are empty; add the operation to ignoredScope.`,
      );
    const parameters = quantizerParameters(statistics, config, { forceSigned: true, halfRange: halfRange(placement) });
    const shape = config.perChannel ? tensor.shape.map((extent, axis) => (axis === channelAxis ? extent : 1)) : [1];
    insertions.push({
      constant: placement.weights,
      insertion: {
        target: placement.target,
        spec: specOf('weights', config, parameters),
        parameters: parameterTensors(parameters, shape, tensor),
      },
    });
  }
  return insertions;
}

/** The weights of a constant as the model will see them. */
function quantizeWeights(insertions: readonly WeightInsertion[], constant: GraphNode): Tensor {
  const { tensor } = constant.constant;
  const found = insertions.find((entry) => entry.constant === constant);
  if (!found) return tensor;
  const { spec, parameters } = found.insertion;
  const [first, second] = parameters;
  return noGrad(() =>
    spec.mode === 'symmetric'
      ? symmetricFakeQuantize(tensor, first, codeRange(spec))
      : asymmetricFakeQuantize(tensor, first, second, codeRange(spec)),
  );
}

function activationInsertions(graph: Graph, ranges: readonly ActivationRange[]): QuantizerInsertion[] {
  const statisticsOf = ({ placement, collector }: ActivationRange): RangeStatistics => {
    const statistics = collector.result();
    if (!statistics)
      throw new ValidationError(
        'NO_STATISTICS',
        `quantize: statistics were not collected for '${placement.target.node}': all its values were empty tensors.`,
      );
    return statistics;
  };
  const leaders = new Map<UnifiedScaleGroup, string>();
  return ranges.map((range) => {
    const { placement } = range;
    const { config, group } = placement;
    const members = group ? ranges.filter((other) => other.placement.group === group) : [range];
    const parameters = quantizerParameters(mergeStatistics(members.map(statisticsOf)), config);
    const { shape } = range.value.type;
    const channels = shape[1];
    const parameterShape = config.perChannel ? shape.map((_, axis) => (axis === 1 ? channels : 1)) : [1];
    const leader = group ? leaders.get(group) : undefined;
    if (group && !leader) leaders.set(group, placementName(placement));
    return {
      target: placement.target,
      spec: specOf('activations', config, parameters),
      parameters: parameterTensors(
        parameters,
        parameterShape,
        graph.nodes.find((node) => node.isConstant)?.constant.tensor ?? null,
      ),
      shares: leader,
    };
  });
}
