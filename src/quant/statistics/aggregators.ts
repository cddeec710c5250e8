/** How statistics of samples become one statistic (NNCF's aggregators), for each channel by itself. */
import type { AggregatorType } from '../rangeEstimator.js';
import { quantileOf } from './reducers.js';

export interface Aggregator {
  add(channel: number, value: number): void;
  /** One value for each channel that was added to. */
  result(): Float64Array;
}

/** Keeps one number for each channel. */
class RunningAggregator implements Aggregator {
  readonly #totals: number[] = [];
  readonly #counts: number[] = [];
  readonly #type: 'min' | 'max' | 'mean';

  constructor(type: 'min' | 'max' | 'mean') {
    this.#type = type;
  }

  add(channel: number, value: number): void {
    const known = this.#totals[channel];
    this.#counts[channel] = (this.#counts[channel] ?? 0) + 1;
    if (known === undefined) this.#totals[channel] = value;
    else if (this.#type === 'mean') this.#totals[channel] = known + value;
    else this.#totals[channel] = this.#type === 'min' ? Math.min(known, value) : Math.max(known, value);
  }

  result(): Float64Array {
    return Float64Array.from(this.#totals, (total, channel) =>
      this.#type === 'mean' ? total / this.#counts[channel] : total,
    );
  }
}

/** Keeps the statistics of all samples. */
class CollectingAggregator implements Aggregator {
  readonly #values: number[][] = [];
  readonly #type: 'median' | 'meanNoOutliers' | 'medianNoOutliers';
  readonly #outliers: number;

  constructor(type: 'median' | 'meanNoOutliers' | 'medianNoOutliers', outliers: number) {
    this.#type = type;
    this.#outliers = outliers;
  }

  add(channel: number, value: number): void {
    this.#values[channel] ??= [];
    this.#values[channel].push(value);
  }

  result(): Float64Array {
    return Float64Array.from(this.#values, (values) => {
      const all = Float64Array.from(values);
      if (this.#type === 'median') return quantileOf(all, 0.5);
      const [low, high] = [quantileOf(all, this.#outliers), quantileOf(all, 1 - this.#outliers)];
      const inside = all.filter((value) => value >= low && value <= high);
      // Nothing is left between the quantiles of two equally frequent values; NNCF then takes 0.
      if (inside.length === 0) return 0;
      if (this.#type === 'medianNoOutliers') return quantileOf(inside, 0.5);
      return inside.reduce((total, value) => total + value, 0) / inside.length;
    });
  }
}

/** @param outliers Share of the values at each end that the aggregators without outliers leave out. */
export function aggregator(type: Exclude<AggregatorType, 'histogram'>, outliers: number): Aggregator {
  return type === 'min' || type === 'max' || type === 'mean'
    ? new RunningAggregator(type)
    : new CollectingAggregator(type, outliers);
}
