/** The mean of a value per channel, which bias correction compares. Sums run in double precision. */
import type { Collector } from './collector.js';

/** The mean of a value per channel, averaged over samples, and the shape of the first sample. */
export class ChannelMeanCollector implements Collector {
  readonly #axis: number;
  readonly #limit: number;
  #total: Float64Array | null = null;
  #samples = 0;
  shape: readonly number[] = [];

  /**
   * @param axis The channel axis; may count from the end.
   * @param limit How many samples count at most. Default: all.
   */
  constructor(axis: number, limit = Infinity) {
    this.#axis = axis;
    this.#limit = limit;
  }

  add(values: ArrayLike<number>, shape: readonly number[]): void {
    if (values.length === 0 || this.#samples >= this.#limit) return;
    const means = channelMeans(values, shape, this.#axis);
    this.#total ??= new Float64Array(means.length);
    if (this.#samples === 0) this.shape = shape;
    for (let channel = 0; channel < means.length; channel++) this.#total[channel] += means[channel];
    this.#samples++;
  }

  result(): Float64Array | null {
    return this.#total?.map((total) => total / this.#samples) ?? null;
  }
}

/** Mean of each channel; a tensor with fewer than three axes is averaged over its first (NNCF's `mean_per_channel`). */
export function channelMeans(values: ArrayLike<number>, shape: readonly number[], axis: number): Float64Array {
  const channelAxis = shape.length < 3 ? shape.length - 1 : axis < 0 ? axis + shape.length : axis;
  const channels = shape[channelAxis] ?? 1;
  const means = new Float64Array(channels);
  forEachChannel(shape, channelAxis, (channel, start, length) => {
    for (let index = start; index < start + length; index++) means[channel] += values[index];
  });
  return means.map((total) => (total * channels) / values.length);
}

function forEachChannel(
  shape: readonly number[],
  axis: number,
  visit: (channel: number, start: number, length: number) => void,
): void {
  const channels = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const outer = shape.slice(0, axis).reduce((product, extent) => product * extent, 1);
  for (let block = 0; block < outer; block++) {
    for (let channel = 0; channel < channels; channel++) visit(channel, (block * channels + channel) * inner, inner);
  }
}
