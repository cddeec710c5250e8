/** Collects the range of a value as an estimator wants it. */
import type { RangeEstimator, StatisticsCollectorParameters } from '../rangeEstimator.js';
import { type Aggregator, aggregator } from './aggregators.js';
import type { RangeCollector, RangeStatistics } from './collector.js';
import { HistogramCollector } from './histogram.js';
import { extremes, groupsOf, type Run, reduce } from './reducers.js';

export interface RangeCollectorOptions {
  /** The axis of channels with a range each. Null: one range for the tensor. */
  readonly channelAxis: number | null;
  /** Whether the images of a batch count as samples. Default: false. */
  readonly batchwise?: boolean;
  /** Whether the quantizer is symmetric: the largest absolute value then takes the place of the largest value. */
  readonly symmetric: boolean;
}

export function rangeCollector(estimator: RangeEstimator, options: RangeCollectorOptions): RangeCollector {
  return estimator.max.aggregatorType === 'histogram'
    ? new HistogramCollector()
    : new EndsCollector(estimator, options);
}

type End = Required<StatisticsCollectorParameters>;

class EndsCollector implements RangeCollector {
  readonly #estimator: RangeEstimator;
  readonly #options: RangeCollectorOptions;
  readonly #min: Aggregator;
  readonly #max: Aggregator;
  #samples = 0;

  constructor(estimator: RangeEstimator, options: RangeCollectorOptions) {
    this.#estimator = estimator;
    this.#options = options;
    this.#min = aggregatorOf(estimator.min);
    this.#max = aggregatorOf(estimator.max);
  }

  add(values: ArrayLike<number>, shape: readonly number[]): void {
    if (values.length === 0) return;
    this.#samples++;
    const { min, max } = this.#estimator;
    const { channelAxis, batchwise = false, symmetric } = this.#options;
    const upper = symmetric && max.statisticsType === 'max' ? 'absMax' : max.statisticsType;
    const together = min.statisticsType === 'min' && (upper === 'max' || upper === 'absMax');
    for (const { channel, runs } of groupsOf(shape, channelAxis, batchwise)) {
      if (together) {
        const ends = extremes(values, runs);
        this.#min.add(channel, ends.min);
        this.#max.add(channel, upper === 'max' ? ends.max : Math.max(Math.abs(ends.min), Math.abs(ends.max)));
      } else {
        this.#min.add(channel, statistic(min.statisticsType, min.quantileOutlierProb, values, runs));
        this.#max.add(channel, statistic(upper, 1 - max.quantileOutlierProb, values, runs));
      }
    }
  }

  result(): RangeStatistics | null {
    return this.#samples === 0 ? null : { min: this.#min.result(), max: this.#max.result() };
  }
}

const aggregatorOf = ({ aggregatorType, quantileOutlierProb }: End): Aggregator =>
  // The histogram has a collector of its own.
  aggregator(aggregatorType === 'histogram' ? 'max' : aggregatorType, quantileOutlierProb);

const statistic = (
  type: End['statisticsType'],
  quantile: number,
  values: ArrayLike<number>,
  runs: readonly Run[],
): number => reduce(type === 'raw' ? 'max' : type, quantile, values, runs);
