/**
 * report(): which quantizers of a model cost accuracy, and why. For each one it measures what it does to its values and
 * how much better the model is with this one alone switched off, and sorts them by that.
 */
import { ValidationError } from '../../errors.js';
import type { GraphNode, GraphValue } from '../../graph/graph.js';
import { checkOptions } from '../../options.js';
import {
  Evaluator,
  type ItemValues,
  itemErrors,
  toDataset,
  type ValidationFunction,
  type ValidationSource,
} from '../accuracy/evaluator.js';
import { calibrationInputs } from '../calibration.js';
import { QuantizedModel } from '../quantizedModel.js';
import type { Quantizer } from '../quantizer.js';
import { type QuantizerGrid, quantizerGrid } from '../quantizerGrid.js';
import { reportHtml } from './html.js';
import { type Measurement, measureSample, QuantizerMeter } from './measure.js';
import type { QuantizerReport, ReportData } from './reportData.js';
import { reportTable } from './table.js';

export interface ReportOptions<Item> {
  /**
   * Gets the model and items of the data; returns a metric, of which more is better, or `{ metric }`. Default: none;
   * quantizers are compared by the error of the model's outputs.
   */
  validationFn?: ValidationFunction<Item>;
  /** Number of items (batches, if the data comes in batches) to use at most. Default: 32. */
  subsetSize?: number;
  /** Name of the model, for the headline. Default: `Quantization report`. */
  title?: string;
  /** Called after each quantizer with the number done. */
  onProgress?: (done: number, total: number) => void;
}

export class QuantizationReport implements ReportData {
  readonly title: string;
  readonly measure: 'metric' | 'error';
  readonly float: number;
  readonly quantized: number;
  readonly items: number;
  readonly quantizers: readonly QuantizerReport[];

  constructor({ title, measure, float, quantized, items, quantizers }: ReportData) {
    this.title = title;
    this.measure = measure;
    this.float = float;
    this.quantized = quantized;
    this.items = items;
    this.quantizers = quantizers;
  }

  /** As a table of text, in columns for a fixed-width font. */
  table(): string {
    return reportTable(this);
  }

  /** As one HTML page with histograms. It needs nothing else and loads nothing. */
  html(): string {
    return reportHtml(this);
  }
}

/**
 * Measures every quantizer of a model on data. The model is not changed. Costs a pass over the data for each quantizer.
 * @param dataset A `CalibrationDataset` whose transform gives the model's inputs, or an iterable of these, which can be
 *   read many times. A `validationFn` gets the items themselves.
 * @throws ValidationError for data that is empty or does not fit, for values that are not finite, and for options that
 *   make no sense.
 */
export async function report<Item>(
  model: QuantizedModel,
  dataset: ValidationSource<Item>,
  options: ReportOptions<Item> = {},
): Promise<QuantizationReport> {
  checkOptions('report', options, ['validationFn', 'subsetSize', 'title', 'onProgress']);
  const { validationFn, subsetSize = 32, title = 'Quantization report', onProgress } = options;
  if (!(model instanceof QuantizedModel))
    throw new ValidationError(
      'NOT_QUANTIZED',
      'report: the model is not a QuantizedModel; only those have quantizers.',
    );
  if (!Number.isInteger(subsetSize) || subsetSize < 1)
    throw new ValidationError(
      'INVALID_OPTION',
      `report: subsetSize must be a positive whole number, not ${String(subsetSize)}.`,
      { option: 'subsetSize' },
    );
  const source = toDataset(dataset);
  const indices = Array.from({ length: subsetSize }, (_, index) => index);
  const modes = model.modules().map((module) => [module, module.training] as const);
  const { quantizers } = model;
  const enabled = quantizers.filter((quantizer) => quantizer.enabled);
  model.eval();
  try {
    const grids = new Map<Quantizer, QuantizerGrid>();
    for (const quantizer of quantizers) grids.set(quantizer, await quantizerGrid(quantizer));
    const { meters, items } = await measure(model, grids, source.getInferenceData(indices));
    const score = await scorer(
      model,
      new Evaluator(validationFn ?? (() => 0), source),
      indices,
      validationFn !== undefined,
    );
    for (const quantizer of enabled) quantizer.disable();
    const float = await score();
    for (const quantizer of enabled) quantizer.enable();
    const quantized = await score();
    const readersOf = readerFinder(model);
    const rows: QuantizerReport[] = [];
    for (const quantizer of quantizers) {
      const withoutIt = quantizer.enabled ? await without(quantizer, score) : null;
      const gain = withoutIt === null ? null : withoutIt - quantized;
      const harm = gain === null || validationFn ? gain : -gain;
      rows.push({
        ...describe(quantizer, grids.get(quantizer) as QuantizerGrid, readersOf(quantizer)),
        ...measured(meters.get(quantizer)),
        withoutIt,
        harm,
      });
      onProgress?.(rows.length, quantizers.length);
    }
    rows.sort(byHarm);
    return new QuantizationReport({
      title,
      measure: validationFn ? 'metric' : 'error',
      float,
      quantized,
      items,
      quantizers: rows,
    });
  } finally {
    for (const quantizer of enabled) quantizer.enable();
    for (const [module, training] of modes) module.training = training;
  }
}

/** The most harmful first; of equally harmful ones, the noisiest. */
const byHarm = (a: QuantizerReport, b: QuantizerReport): number =>
  (b.harm ?? -Infinity) - (a.harm ?? -Infinity) || a.signalToNoise - b.signalToNoise || 0;

async function measure(
  model: QuantizedModel,
  grids: ReadonlyMap<Quantizer, QuantizerGrid>,
  samples: AsyncIterable<unknown>,
): Promise<{ meters: Map<Quantizer, QuantizerMeter>; items: number }> {
  const meters = new Map([...grids].map(([quantizer, grid]) => [quantizer, new QuantizerMeter(quantizer, grid)]));
  const watched = new Map<GraphValue, QuantizerMeter[]>();
  for (const [quantizer, meter] of meters) {
    const [value] = model.graph.node(quantizer.name).inputs;
    // Weights are the same in every pass.
    if (value.node.isConstant) meter.add(await value.node.constant.tensor.data(), value.type.shape);
    else watched.set(value, [...(watched.get(value) ?? []), meter]);
  }
  let items = 0;
  for await (const inputs of calibrationInputs(samples, Infinity)) {
    await measureSample(model.graph, inputs, watched);
    items++;
  }
  if (items === 0) throw new ValidationError('DATA_EMPTY', 'report: the data is empty. Give at least one item.');
  return { meters, items };
}

const measured = (meter: QuantizerMeter | undefined): Measurement & { clipped: number } => {
  const result = (meter as QuantizerMeter).result();
  return { ...result, clipped: result.clippedBelow + result.clippedAbove };
};

/** A function that gives the metric, or the error of the outputs, of the model as it is at the time. */
async function scorer<Item>(
  model: QuantizedModel,
  evaluator: Evaluator<Item>,
  indices: readonly number[],
  metric: boolean,
): Promise<() => Promise<number>> {
  if (metric) return () => evaluator.metric(model, indices);
  const on = model.quantizers.filter((quantizer) => quantizer.enabled);
  for (const quantizer of on) quantizer.disable();
  const reference: ItemValues = await evaluator.values(model, indices);
  for (const quantizer of on) quantizer.enable();
  return async () => {
    const errors = itemErrors(reference, await evaluator.values(model, indices));
    return Math.sqrt(errors.reduce((sum, error) => sum + error, 0) / errors.length);
  };
}

async function without(quantizer: Quantizer, score: () => Promise<number>): Promise<number> {
  quantizer.disable();
  try {
    return await score();
  } finally {
    quantizer.enable();
  }
}

/** A function that finds the operations that compute with what a quantizer gives, past what leaves values unchanged. */
function readerFinder({ graph }: QuantizedModel): (quantizer: Quantizer) => GraphNode[] {
  const uses = graph.uses();
  const passes = ({ definition }: GraphNode): boolean =>
    ['quantizationAgnostic', 'concat'].includes(definition.quantization?.trait ?? '');
  return (quantizer) => {
    const found = new Set<GraphNode>();
    const seen = new Set<GraphNode>();
    const queue = [graph.node(quantizer.name)];
    for (let node = queue.pop(); node; node = queue.pop()) {
      for (const value of node.outputs) {
        for (const { node: reader } of uses.get(value) ?? []) {
          if (seen.has(reader)) continue;
          seen.add(reader);
          if (passes(reader)) queue.push(reader);
          else found.add(reader);
        }
      }
    }
    return [...found];
  };
}

function describe(
  quantizer: Quantizer,
  { low, high, levels }: QuantizerGrid,
  readers: readonly GraphNode[],
): Omit<QuantizerReport, keyof Measurement | 'clipped' | 'withoutIt' | 'harm'> {
  const { kind, mode, bits } = quantizer.spec;
  let widest = 0;
  for (let channel = 1; channel < low.length; channel++)
    if (high[channel] - low[channel] > high[widest] - low[widest]) widest = channel;
  return {
    ...{ name: quantizer.name, kind, mode, bits, levels, operation: quantizer.target.node },
    readers: readers.map(({ name }) => name),
    layers: [...new Set(readers.map(({ name, scope }) => (scope === '' ? name : scope.replaceAll('/', '.'))))],
    ...{ low: low[widest], high: high[widest], channels: low.length, enabled: quantizer.enabled },
  };
}
