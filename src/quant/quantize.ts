/**
 * quantize(): post-training quantization. Records the model, places quantizers, runs the calibration data
 * through the float model, sets the quantizers' ranges from what it saw, and corrects biases.
 */

import { noGrad } from '../autograd/gradMode.js';
import { DTypeError, ShapeError, ValidationError } from '../errors.js';
import type { Graph, GraphNode, GraphValue } from '../graph/graph.js';
import type { TracedModel } from '../graph/trace.js';
import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { type BiasedLayer, biasedLayers, correctBiases } from './biasCorrection.js';
import { type CalibrationSource, calibrationInputs, collectStatistics, inSample } from './calibration.js';
import { FullBiasCorrection, fullCorrectionSamples } from './fullBiasCorrection.js';
import { ignoredNodes } from './ignoredScope.js';
import { type ActivationRange, activationRanges, insertions, quantizedWeights, weightRanges } from './insertions.js';
import { LayerWidths } from './layerBits.js';
import { type QuantizeOptions, type ResolvedOptions, resolveOptions } from './options.js';
import type { OverflowFix } from './parameters.js';
import { hasKind } from './placement/fusedPatterns.js';
import { firstNode, isDepthwise, type Operator } from './placement/operators.js';
import { firstConvolutions, type Placement, placeQuantizers } from './placement/placement.js';
import { QuantizedModel } from './quantizedModel.js';
import { insertQuantizers } from './quantizer.js';
import { recordedModel } from './recordedModel.js';
import { smooth, smoothedGroups } from './smoothQuant.js';
import type { Collector } from './statistics/collector.js';

export type { QuantizeOptions } from './options.js';

/**
 * Quantizes a copy of a model: FakeQuantize operations where the hardware wants them, with ranges from
 * `calibration`. The result trains like any module; the given model is not changed.
 * @param calibration A `CalibrationDataset`, or any iterable of what `forward` takes (a tensor, or an array of them).
 * @throws ValidationError for empty or non-finite calibration data, for options that make no sense or that the target
 * cannot satisfy, and for a model without anything to quantize.
 * @throws ShapeError, DTypeError for a calibration sample that does not fit the first, naming it.
 * @throws TraceError if the model cannot be recorded as a graph.
 */
export async function quantize<M extends Module>(
  model: M,
  calibration: CalibrationSource,
  options: QuantizeOptions = {},
): Promise<QuantizedModel<M>> {
  const resolved = resolveOptions(options);
  const { record, biasCorrection } = resolved;
  const samples = calibrationInputs(calibration, record.subsetSize);
  const first = await samples.next();
  if (first.done)
    throw new ValidationError(
      'CALIBRATION_EMPTY',
      'quantize: the calibration data is empty. Give at least one sample; 300 are usual.',
    );
  const { graph, structure } = recordWith(model, first.value);
  let items: AsyncIterable<Tensor[]> = chain(first.value, samples);
  if (resolved.smoothQuant) {
    // Two passes over the data: they are kept, as the source may give them only once.
    const kept: Tensor[][] = [];
    for await (const item of items) kept.push(item);
    await smoothActivations(graph, kept, resolved);
    items = from(kept);
  }
  const placement = place(graph, resolved);
  const batchwise = resolved.batchwiseStatistics ?? first.value.some(({ shape }) => shape[0] > 1);
  const activations = activationRanges(graph, placement, resolved.ranges.activations, batchwise);
  const layerwise = biasCorrection?.method === 'full' ? fullCorrectionSamples(record.subsetSize) : undefined;
  const layers = biasCorrection ? biasedLayers(placement.weights, layerwise) : [];
  const full = layerwise === undefined ? null : new FullBiasCorrection(graph, layers, layerwise);
  await collectStatistics(graph, items, watchlist(activations, layers, full), {
    onProgress: options.onProgress,
  });

  const half = protectedOperators(placement, record.overflowFix);
  const quantizers = insertions(
    await weightRanges(placement.weights, resolved.ranges.weights),
    activations,
    // A layer of fewer bits than the rest cannot spare one.
    ({ readers, config }) => config.bits >= record.bits.weights && readers.some(({ operator }) => half.has(operator)),
  );
  if (biasCorrection) {
    const quantize = (constant: GraphNode): Tensor => quantizedWeights(quantizers.weights, constant);
    const corrected = await (full
      ? full.correct(quantize, biasCorrection.threshold)
      : correctBiases(layers, quantize, biasCorrection.threshold));
    for (const [constant, value] of corrected) noGrad(() => constant.constant.tensor.assign_(value));
  }
  insertQuantizers(graph, [...quantizers.weights.map(({ insertion }) => insertion), ...quantizers.activations]);
  return new QuantizedModel<M>(graph, structure, record).useRangeGradient(resolved.rangeGradient).train(model.training);
}

/** The model's graph, for inputs such as the first sample. */
function recordWith(model: Module, inputs: readonly Tensor[]): TracedModel {
  try {
    return recordedModel(model, inputs);
  } catch (error) {
    throw error instanceof ShapeError || error instanceof DTypeError ? inSample(error, 0) : error;
  }
}

/** Moves the spread of activations into weights, in place. */
async function smoothActivations(graph: Graph, items: readonly Tensor[][], options: ResolvedOptions): Promise<void> {
  if (!options.smoothQuant) return;
  const groups = smoothedGroups(graph, options.smoothQuant, ignoredNodes(graph, options.record.ignoredScope));
  const list = new Map(
    groups.map(({ value, collector }) => [value, { description: describe(value), collectors: [collector] }]),
  );
  await collectStatistics(graph, from(items), list);
  await smooth(graph, groups);
}

/** Where quantizers go. */
function place(graph: Graph, options: ResolvedOptions): Placement {
  const { record, target, constraints, widths, rule, quantizeOutputs, transformer } = options;
  const placement = placeQuantizers(graph, {
    ...{ target, constraints, rule, quantizeOutputs, transformer, bits: widths },
    layerWidths: new LayerWidths(graph, options.bitsByName),
    ignored: ignoredNodes(graph, record.ignoredScope),
    activationMode: record.preset === 'mixed' ? 'asymmetric' : 'symmetric',
  });
  if (placement.weights.length + placement.activations.length > 0) return placement;
  const types = new Set(graph.nodes.filter((node) => !node.isConstant && !node.isParameter).map(({ type }) => type));
  throw new ValidationError(
    'NOTHING_TO_QUANTIZE',
    `quantize: the model has nothing to quantize for target '${record.targetDevice}'. Its operations are ${[...types].join(', ') || 'none'}; ` +
      'convolutions, matrix products and the like are quantized, unless ignoredScope or modelType leaves them in float.',
    { types: [...types] },
  );
}

/** The operations whose weights are to keep within half of their codes. */
function protectedOperators({ operators }: Placement, overflowFix: OverflowFix): Set<Operator> {
  if (overflowFix === 'disable') return new Set();
  if (overflowFix === 'firstLayer') return firstConvolutions(operators);
  return new Set(operators.filter((operator) => hasKind(firstNode(operator).type, 'linear') && !isDepthwise(operator)));
}

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function* chain(first: Tensor[], rest: AsyncIterable<Tensor[]>): AsyncGenerator<Tensor[]> {
  yield first;
  yield* rest;
}

const describe = ({ node }: GraphValue): string =>
  node.isParameter ? `input '${node.name}'` : `the output of '${node.name}'`;

function watchlist(
  ranges: readonly ActivationRange[],
  layers: readonly BiasedLayer[],
  full: FullBiasCorrection | null,
): Map<GraphValue, { description: string; collectors: Collector[] }> {
  const list = new Map<GraphValue, { description: string; collectors: Collector[] }>();
  const watch = (value: GraphValue, collector: Collector): void => {
    const entry = list.get(value) ?? { description: describe(value), collectors: [] };
    entry.collectors.push(collector);
    list.set(value, entry);
  };
  for (const { value, collector } of ranges) watch(value, collector);
  for (const layer of layers) {
    if (!full) watch(layer.inputValue, layer.input);
    watch(layer.outputValue, layer.output);
  }
  for (const [value, collector] of full?.collectors ?? []) watch(value, collector);
  return list;
}
