/**
 * The range in which 8-bit codes have the smallest squared error on the distribution of all values (NNCF's
 * HistogramAggregator, after the HistogramObserver of torchao). The distribution is kept as a histogram whose range grows
 * with the samples. Where NNCF computes in float32 and a value then falls into one bin or another, so does this.
 */
import type { RangeCollector, RangeStatistics } from './collector.js';

const BINS = 2048;
/** Codes of the quantizer for which the range is found. */
const CODES = 256;
/** Parts of a bin that move by themselves when the histogram gets another range. */
const PARTS = 16;
/** Share of the values by which an end moves in a step. */
const STEP = 1e-5;

const float32 = Math.fround;

export class HistogramCollector implements RangeCollector {
  #counts: Float64Array = new Float64Array(BINS);
  #min = Infinity;
  #max = -Infinity;

  add(values: ArrayLike<number>): void {
    if (values.length === 0) return;
    let low = Infinity;
    let high = -Infinity;
    for (let index = 0; index < values.length; index++) {
      if (values[index] < low) low = values[index];
      if (values[index] > high) high = values[index];
    }
    if (this.#min > this.#max) {
      this.#counts = histogram(values, low, high);
      [this.#min, this.#max] = [low, high];
      return;
    }
    const [min, max] = [Math.min(low, this.#min), Math.max(high, this.#max)];
    const counts = histogram(values, min, max);
    const old = this.#moved(min, max);
    for (let bin = 0; bin < BINS; bin++) counts[bin] += old[bin];
    this.#counts = counts;
    [this.#min, this.#max] = [min, max];
  }

  /** The counts so far as a histogram of a range that holds the present one. */
  #moved(min: number, max: number): Float64Array {
    if (min === this.#min && max === this.#max) return this.#counts;
    const moved = new Float64Array(BINS);
    if (this.#min === this.#max) {
      const total = this.#counts.reduce((sum, count) => sum + count, 0);
      return histogram([this.#min], min, max).map((count) => count * total);
    }
    const half = float32((0.5 * (this.#max - this.#min)) / (BINS * PARTS));
    const parts = linspace(this.#min, this.#max, BINS * PARTS + 1);
    const edges = linspace(min, max, BINS + 1);
    let bin = 0;
    for (let part = 0; part < BINS * PARTS; part++) {
      const middle = float32(parts[part] + half);
      // Both rise, so the bin is never before the last one.
      while (bin < BINS - 1 && edges[bin + 1] <= middle) bin++;
      moved[bin] += this.#counts[Math.floor(part / PARTS)] / PARTS;
    }
    return moved;
  }

  result(): RangeStatistics | null {
    if (this.#min > this.#max) return null;
    const width = (this.#max - this.#min) / BINS;
    const [first, last] = bestBins(this.#counts, width);
    return {
      min: Float64Array.of(float32(this.#min + width * first)),
      max: Float64Array.of(float32(this.#min + width * (last + 1))),
    };
  }
}

/** Counts of values in equal bins; a range without width is widened by 1 on both sides. */
function histogram(values: ArrayLike<number>, min: number, max: number): Float64Array {
  const counts = new Float64Array(BINS);
  const [low, high] = min === max ? [float32(min - 1), float32(max + 1)] : [min, max];
  const width = float32(high - low);
  for (let index = 0; index < values.length; index++) {
    const bin = Math.trunc(float32(float32(float32(values[index] - low) * BINS) / width));
    counts[Math.min(bin, BINS - 1)]++;
  }
  return counts;
}

/** Equally spaced values from one to another, both included, from the nearer end as PyTorch computes them. */
function linspace(start: number, end: number, count: number): Float32Array {
  const step = float32(float32(end - start) / (count - 1));
  return Float32Array.from({ length: count }, (_, index) =>
    index < Math.floor(count / 2) ? start + step * index : end - step * (count - 1 - index),
  );
}

/**
 * The first and last bin of the range of least error: from the whole range the end that passes more bins moves in by one
 * step, as long as the error falls.
 */
function bestBins(counts: Float64Array, width: number): [number, number] {
  const sums = new Float64Array(BINS);
  let total = 0;
  for (let bin = 0; bin < BINS; bin++) {
    total += counts[bin];
    sums[bin] = float32(total);
  }
  total = float32(total);
  let [first, last] = [0, BINS - 1];
  let [alpha, beta] = [0, 1];
  let least = Infinity;
  while (alpha < beta) {
    const [nextAlpha, nextBeta] = [alpha + STEP, beta - STEP];
    let left = first;
    let right = last;
    while (left < last && sums[left] < float32(nextAlpha * total)) left++;
    while (right > first && sums[right] > float32(nextBeta * total)) right--;
    let [nextFirst, nextLast] = [first, last];
    if (left - first > last - right) {
      nextFirst = left;
      alpha = nextAlpha;
    } else {
      nextLast = right;
      beta = nextBeta;
    }
    if (nextFirst === first && nextLast === last) continue;
    const error = quantizationError(counts, nextFirst, nextLast, width);
    if (error > least) break;
    least = error;
    [first, last] = [nextFirst, nextLast];
  }
  return [first, last];
}

/** Squared error of quantizing to `CODES` codes between two bins, with values spread evenly within each bin. */
function quantizationError(counts: Float64Array, first: number, last: number, width: number): number {
  const step = (width * (last - first + 1)) / CODES;
  if (step === 0) return 0;
  const code = (value: number): number => Math.min(Math.max(Math.floor(value / step), 0), CODES - 1);
  const integral = (from: number, to: number): number => (to ** 3 - from ** 3) / 3;
  const whole = integral(-step / 2, step / 2);
  let error = 0;
  for (let bin = 0; bin < BINS; bin++) {
    if (counts[bin] === 0) continue;
    const begin = (bin - first) * width;
    const end = begin + width;
    const [beginCode, endCode] = [code(begin), code(end)];
    const squares =
      integral(begin - (beginCode + 0.5) * step, step / 2) +
      (endCode - beginCode - 1) * whole +
      integral(-step / 2, end - (endCode + 0.5) * step);
    error += (counts[bin] / width) * squares;
  }
  return error;
}
