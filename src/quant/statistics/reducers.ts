/** Statistics of the values of one sample (NNCF's reducers). */
import type { StatisticsType } from '../rangeEstimator.js';

/** A run of values, next to each other. */
export interface Run {
  readonly start: number;
  readonly length: number;
}

/** The values of one channel of one image, or of all that makes one statistic. */
export interface Group {
  readonly channel: number;
  readonly runs: readonly Run[];
}

/**
 * Divides a tensor into what makes one statistic each.
 * @param channelAxis Null: no channels.
 * @param batchwise Whether the items of the first axis count separately.
 */
export function groupsOf(shape: readonly number[], channelAxis: number | null, batchwise: boolean): Group[] {
  const size = (from: number, to: number): number =>
    shape.slice(from, to).reduce((product, extent) => product * extent, 1);
  const total = size(0, shape.length);
  const images = batchwise && shape.length > 1 && channelAxis !== 0 ? shape[0] : 1;
  if (channelAxis === null) {
    const length = total / images;
    return Array.from({ length: images }, (_, image) => ({ channel: 0, runs: [{ start: image * length, length }] }));
  }
  const channels = shape[channelAxis] ?? 1;
  const length = size(channelAxis + 1, shape.length);
  const blocks = total / images / channels / length;
  return Array.from({ length: images * channels }, (_, index) => {
    const [image, channel] = [Math.floor(index / channels), index % channels];
    const runs = Array.from({ length: blocks }, (_block, block) => ({
      start: ((image * blocks + block) * channels + channel) * length,
      length,
    }));
    return { channel, runs };
  });
}

/** The smallest and the largest value. */
export function extremes(values: ArrayLike<number>, runs: readonly Run[]): { min: number; max: number } {
  let min = Infinity;
  let max = -Infinity;
  for (const { start, length } of runs) {
    for (let index = start; index < start + length; index++) {
      const value = values[index];
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  return { min, max };
}

/**
 * One statistic of a group.
 * @param quantile For the quantiles: which.
 */
export function reduce(
  type: Exclude<StatisticsType, 'raw'>,
  quantile: number,
  values: ArrayLike<number>,
  runs: readonly Run[],
): number {
  switch (type) {
    case 'min':
      return extremes(values, runs).min;
    case 'max':
      return extremes(values, runs).max;
    case 'absMax': {
      const { min, max } = extremes(values, runs);
      return Math.max(Math.abs(min), Math.abs(max));
    }
    case 'mean': {
      let total = 0;
      let count = 0;
      for (const { start, length } of runs) {
        for (let index = start; index < start + length; index++) total += values[index];
        count += length;
      }
      return total / count;
    }
    case 'quantile':
      return quantileOf(gather(values, runs), quantile);
    case 'absQuantile':
      return quantileOf(gather(values, runs).map(Math.abs), quantile);
  }
}

function gather(values: ArrayLike<number>, runs: readonly Run[]): Float64Array {
  const gathered = new Float64Array(runs.reduce((total, { length }) => total + length, 0));
  let next = 0;
  for (const { start, length } of runs)
    for (let index = start; index < start + length; index++) gathered[next++] = values[index];
  return gathered;
}

/** The value below which a share `q` of the values lies, between neighbours in proportion. Moves the values about. */
export function quantileOf(values: Float64Array, q: number): number {
  const position = q * (values.length - 1);
  const below = Math.floor(position);
  const value = select(values, below);
  if (position === below) return value;
  let above = Infinity;
  for (let index = below + 1; index < values.length; index++) if (values[index] < above) above = values[index];
  return value + (above - value) * (position - below);
}

/** The value at a place in ascending order; afterwards those before it are not larger, those behind it not smaller (quickselect). */
function select(values: Float64Array, place: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    // The median of three, so that sorted values are no worst case.
    const middle = (low + high) >> 1;
    const [a, b, c] = [values[low], values[middle], values[high]];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left] < pivot) left++;
      while (values[right] > pivot) right--;
      if (left > right) break;
      const value = values[left];
      values[left++] = values[right];
      values[right--] = value;
    }
    if (place <= right) high = right;
    else if (place >= left) low = left;
    else break;
  }
  return values[place];
}
