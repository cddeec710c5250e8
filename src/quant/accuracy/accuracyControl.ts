/**
 * Quantization with accuracy control: quantizes, and brings operations back to float, those that cost most first,
 * until the metric is close enough to the float model's (NNCF: `quantize_with_accuracy_control`).
 */
import { ValidationError } from '../../errors.js';
import type { Module } from '../../nn/module.js';
import { nearestName } from '../../options.js';
import type { CalibrationSource } from '../calibration.js';
import { type QuantizeOptions, quantize } from '../quantize.js';
import type { QuantizedModel } from '../quantizedModel.js';
import { removeQuantizers } from '../quantizerRemoval.js';
import {
  Evaluator,
  type ItemValues,
  itemErrors,
  toDataset,
  type ValidationFunction,
  type ValidationSource,
  worstItems,
} from './evaluator.js';
import { type QuantizerGroup, quantizerGroups } from './groups.js';
import { FloatReverter, type RestoreMode } from './revert.js';

/** Besides these, all options of `quantize`. */
export interface AccuracyControlOptions extends QuantizeOptions {
  /** Largest loss of the metric that is acceptable. Default: 0.01. */
  maxDrop?: number;
  /** `absolute` (default): float metric - quantized metric. `relative`: |1 - quantized metric / float metric|. */
  dropType?: 'absolute' | 'relative';
  /** Number of validation items, those with the largest errors, that groups are ranked with. Default: `subsetSize`. */
  rankingSubsetSize?: number;
  /** Most groups to bring back. Default: all. */
  maxNumIterations?: number;
  /** What to bring back: `activationsAndWeights` (default), or `onlyActivations`, so that weights stay small. */
  restoreMode?: RestoreMode;
  /** Called as the search goes on. */
  onAccuracyProgress?: (progress: AccuracyProgress) => void;
}

export interface AccuracyProgress {
  /** `rank`: `done` of `total` groups were ranked. `revert`: `done` groups are in float, with `metric`. */
  readonly stage: 'rank' | 'revert';
  readonly done: number;
  readonly total: number;
  /** Of the model with the group in float, on the ranking items or, for `revert`, on all. Null: compared by outputs. */
  readonly metric: number | null;
}

/** A group that was brought back to float. */
export interface RevertedGroup {
  /** Names of the quantizers that are gone. */
  readonly quantizers: readonly string[];
  /** Names of the operations that compute in float. */
  readonly operations: readonly string[];
  /** Metric of the model with this group and those before it in float. */
  readonly metric: number;
}

export interface AccuracyControlResult<M extends Module> {
  readonly model: QuantizedModel<M>;
  /** Metric of the float model. */
  readonly floatMetric: number;
  /** Metric of the model with everything quantized. */
  readonly quantizedMetric: number;
  /** Metric of `model`. */
  readonly metric: number;
  /** Loss of metric of `model`, by `dropType`; not positive if it is as good as the float model. */
  readonly drop: number;
  /** Whether the drop is at most `maxDrop`. */
  readonly reachedRequiredDrop: boolean;
  /** What was brought back to float, in this order. */
  readonly reverted: readonly RevertedGroup[];
  /** Number of groups there were. */
  readonly groups: number;
  /** Number of groups that were tried on all validation items. */
  readonly iterations: number;
}

const NAMES = ['maxDrop', 'dropType', 'rankingSubsetSize', 'maxNumIterations', 'restoreMode', 'onAccuracyProgress'];

const invalid = (option: string, message: string): ValidationError =>
  new ValidationError('INVALID_OPTION', `quantizeWithAccuracyControl: ${message}`, { option });

type OwnOptions = Required<
  Pick<AccuracyControlOptions, 'maxDrop' | 'dropType' | 'rankingSubsetSize' | 'maxNumIterations' | 'restoreMode'>
>;

function ownOptions(options: AccuracyControlOptions): OwnOptions {
  const {
    maxDrop = 0.01,
    dropType = 'absolute',
    rankingSubsetSize = options.subsetSize ?? 300,
    maxNumIterations = Infinity,
    restoreMode = 'activationsAndWeights',
  } = options;
  if (typeof maxDrop !== 'number' || Number.isNaN(maxDrop))
    throw invalid('maxDrop', `maxDrop is ${String(maxDrop)}, but must be a number.`);
  if (dropType !== 'absolute' && dropType !== 'relative')
    throw invalid('dropType', `dropType is '${String(dropType)}', but must be 'absolute' or 'relative'.`);
  if (restoreMode !== 'activationsAndWeights' && restoreMode !== 'onlyActivations')
    throw invalid(
      'restoreMode',
      `restoreMode is '${String(restoreMode)}', but must be 'activationsAndWeights' or 'onlyActivations'.`,
    );
  for (const [name, value] of Object.entries({ rankingSubsetSize, maxNumIterations })) {
    if (value !== Infinity && (!Number.isInteger(value) || value < 1))
      throw invalid(name, `${name} must be a positive whole number, not ${String(value)}.`);
  }
  return { maxDrop, dropType, rankingSubsetSize, maxNumIterations, restoreMode };
}

/** Splits the options; a misspelled name that looks like one of ours is reported as such. */
function split(options: AccuracyControlOptions): QuantizeOptions {
  const { maxDrop, dropType, rankingSubsetSize, maxNumIterations, restoreMode, onAccuracyProgress, ...rest } = options;
  for (const name of Object.keys(rest)) {
    const nearest = nearestName(name, NAMES);
    if (nearest && nearest.toLowerCase().replaceAll('_', '') === name.toLowerCase().replaceAll('_', ''))
      throw new ValidationError(
        'UNKNOWN_OPTION',
        `quantizeWithAccuracyControl has no option '${name}'. Did you mean '${nearest}'?`,
        {
          option: name,
          nearest,
        },
      );
  }
  return rest;
}

/**
 * Quantizes a copy of a model as `quantize` does, and then brings groups of operations back to float until the metric
 * has dropped by no more than `maxDrop`. Groups are ranked by the metric with each alone in float, or, if the validation
 * function does not work on single items, by the error of the outputs. When one that was brought back made things
 * worse twice in a row, it is quantized again and the others are ranked anew. If no drop is acceptable, the result is
 * the best model that was found.
 * @param calibration As for `quantize`.
 * @param validation Data for `validationFn`, read many times: an array, a `DataLoader`, or a `CalibrationDataset`.
 * @param validationFn Gets a model in evaluation mode and some or all items; returns a metric, of which more is better,
 *   or `{ metric, values }` with the metric of each item.
 * @throws ValidationError as for `quantize`, and for validation data or results that make no sense.
 */
export async function quantizeWithAccuracyControl<M extends Module, Item>(
  model: M,
  calibration: CalibrationSource,
  validation: ValidationSource<Item>,
  validationFn: ValidationFunction<Item>,
  options: AccuracyControlOptions = {},
): Promise<AccuracyControlResult<M>> {
  const own = ownOptions(options);
  const quantizeOptions = split(options);
  if (typeof validationFn !== 'function')
    throw new ValidationError('NOT_A_FUNCTION', 'quantizeWithAccuracyControl: validationFn must be a function.');
  const evaluator = new Evaluator(validationFn, toDataset(validation));
  const modes = model.modules().map((module) => [module, module.training] as const);
  model.eval();
  try {
    // Validation comes first: what is wrong with it should show before the calibration is paid for.
    const float = await evaluator.evaluate(model);
    const quantized = (await quantize(model, calibration, quantizeOptions)).eval();
    const search = new Search(model, quantized, evaluator, float, own, options.onAccuracyProgress);
    const result = await search.run();
    quantized.train(modes[0][1]);
    return result;
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
}

class Search<M extends Module, Item> {
  readonly #quantized: QuantizedModel<M>;
  readonly #evaluator: Evaluator<Item>;
  readonly #float: { readonly metric: number; readonly values: ItemValues };
  readonly #options: OwnOptions;
  readonly #report: AccuracyControlOptions['onAccuracyProgress'];
  readonly #reverter: FloatReverter;

  constructor(
    model: M,
    quantized: QuantizedModel<M>,
    evaluator: Evaluator<Item>,
    float: { readonly metric: number; readonly values: ItemValues },
    options: OwnOptions,
    report: AccuracyControlOptions['onAccuracyProgress'],
  ) {
    this.#quantized = quantized;
    this.#evaluator = evaluator;
    this.#float = float;
    this.#options = options;
    this.#report = report;
    this.#reverter = new FloatReverter(quantized.graph, new Map(model.namedParameters()), options.restoreMode);
  }

  async run(): Promise<AccuracyControlResult<M>> {
    const { metric: quantizedMetric, values } = await this.#evaluator.evaluate(this.#quantized);
    const groups = this.#accepts(quantizedMetric) ? [] : this.#groups();
    const ranked = groups.length > 0 ? await this.#rank(groups, values) : [];
    const { steps, iterations } = await this.#revert(ranked, quantizedMetric);
    const metric = steps.at(-1)?.metric ?? quantizedMetric;
    const gone = steps.flatMap(({ group }) => this.#reverter.quantizersOf(group).map(({ name }) => name));
    removeQuantizers(
      this.#quantized.graph,
      gone.map((name) => this.#quantized.graph.node(name)),
    );
    return {
      model: this.#quantized,
      floatMetric: this.#float.metric,
      quantizedMetric,
      metric,
      drop: this.#drop(metric),
      reachedRequiredDrop: this.#accepts(metric),
      reverted: steps.map(({ group, metric: after }) => ({
        quantizers: this.#reverter.quantizersOf(group).map(({ name }) => name),
        operations: group.operations.map(({ name }) => name),
        metric: after,
      })),
      groups: groups.length,
      iterations,
    };
  }

  /** Groups in which there is something to bring back. */
  #groups(): QuantizerGroup[] {
    return quantizerGroups(this.#quantized.graph).filter((group) => this.#reverter.quantizersOf(group).length > 0);
  }

  #drop(metric: number): number {
    const { metric: float } = this.#float;
    if (this.#options.dropType === 'absolute') return float - metric;
    const relative = metric === float ? 0 : Math.abs(1 - metric / float);
    return metric > float ? -relative : relative;
  }

  #accepts = (metric: number): boolean => metric >= this.#float.metric || this.#drop(metric) <= this.#options.maxDrop;

  /** Brings groups back, the last of the list first; NNCF's rules of when to step back. */
  async #revert(
    ranked: QuantizerGroup[],
    quantizedMetric: number,
  ): Promise<{ steps: { group: QuantizerGroup; metric: number }[]; iterations: number }> {
    let steps: { group: QuantizerGroup; metric: number; undo: () => void }[] = [];
    let best: { count: number; metric: number; steps: typeof steps } = { count: 0, metric: quantizedMetric, steps: [] };
    let previousDrop = this.#drop(quantizedMetric);
    let mayGetWorse = true;
    let iterations = 0;
    const total = ranked.length;
    while (ranked.length > 0 && iterations < this.#options.maxNumIterations) {
      iterations++;
      const group = ranked.pop() as QuantizerGroup;
      const undo = this.#reverter.revert(group);
      const metric = await this.#evaluator.metric(this.#quantized);
      steps = [...steps, { group, metric, undo }];
      this.#report?.({ stage: 'revert', done: steps.length, total, metric });
      if (metric > best.metric) best = { count: steps.length, metric, steps };
      if (this.#accepts(metric)) return { steps, iterations };
      const drop = this.#drop(metric);
      if (drop <= previousDrop || mayGetWorse) {
        mayGetWorse = false;
        previousDrop = drop;
        continue;
      }
      undo();
      steps = steps.slice(0, -1);
      mayGetWorse = true;
      previousDrop = drop;
      const values = await this.#evaluator.values(this.#quantized);
      ranked = await this.#rank([...ranked, group], values);
    }
    for (const { undo } of [...steps].reverse()) undo();
    for (const { group } of best.steps) this.#reverter.revert(group);
    return { steps: best.steps, iterations };
  }

  /** The groups, the one that is best brought back last. */
  async #rank(groups: readonly QuantizerGroup[], values: ItemValues): Promise<QuantizerGroup[]> {
    const errors = itemErrors(this.#float.values, values);
    const items = worstItems(errors, this.#options.rankingSubsetSize);
    const scored: { group: QuantizerGroup; score: number }[] = [];
    for (const group of groups) {
      const undo = this.#reverter.revert(group);
      try {
        const score = await this.#score(items);
        scored.push({ group, score });
        const metric = this.#evaluator.metricMode ? score : null;
        this.#report?.({ stage: 'rank', done: scored.length, total: groups.length, metric });
      } finally {
        undo();
      }
    }
    return scored.sort((a, b) => a.score - b.score).map(({ group }) => group);
  }

  /** More is better. */
  async #score(items: readonly number[]): Promise<number> {
    if (this.#evaluator.metricMode) return this.#evaluator.metric(this.#quantized, items);
    const reference = items.map((index) => this.#float.values[index]) as ItemValues;
    const errors = itemErrors(reference, await this.#evaluator.values(this.#quantized, items));
    return -errors.reduce((sum, error) => sum + error, 0) / errors.length;
  }
}
