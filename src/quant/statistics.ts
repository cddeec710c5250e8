/**
 * What calibration learns about a value: the smallest and largest of it, per image or over all images,
 * and its mean per channel. Sums run in double precision.
 */
import { ValidationError } from '../errors.js';
import { formatShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** Ends of the range of a value; arrays have one element, or one for each channel. */
export interface RangeStatistics {
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** Largest absolute value. */
  readonly absMax: Float64Array;
}

/** Collects one statistic over the calibration images. */
export interface Collector {
  add(values: ArrayLike<number>, shape: readonly number[]): void;
}

/**
 * The range of a value per tensor: the mean over images of each image's minimum and maximum (NNCF's
 * MEAN_MINMAX). A batch counts as that many images.
 */
export class MeanMinMaxCollector implements Collector {
  #min = 0;
  #max = 0;
  #absMax = 0;
  #images = 0;
  readonly #perImage: boolean;

  /** @param perImage False: a batch counts as one sample, whatever its size. */
  constructor(perImage: boolean) {
    this.#perImage = perImage;
  }

  add(values: ArrayLike<number>, shape: readonly number[]): void {
    const images = this.#perImage && shape.length > 1 ? shape[0] : 1;
    const size = values.length / images;
    for (let image = 0; image < images && size > 0; image++) {
      let min = Infinity;
      let max = -Infinity;
      for (let index = image * size; index < (image + 1) * size; index++) {
        const value = values[index];
        if (value < min) min = value;
        if (value > max) max = value;
      }
      this.#min += min;
      this.#max += max;
      this.#absMax += Math.max(Math.abs(min), Math.abs(max));
      this.#images++;
    }
  }

  result(): RangeStatistics | null {
    if (this.#images === 0) return null;
    const mean = (total: number): Float64Array => Float64Array.of(total / this.#images);
    return { min: mean(this.#min), max: mean(this.#max), absMax: mean(this.#absMax) };
  }
}

/** The range of a value per channel: the smallest and largest over all images (NNCF's MINMAX). */
export class ChannelMinMaxCollector implements Collector {
  readonly #axis: number;
  #min: Float64Array | null = null;
  #max: Float64Array | null = null;

  constructor(axis: number) {
    this.#axis = axis;
  }

  add(values: ArrayLike<number>, shape: readonly number[]): void {
    if (values.length === 0) return;
    const channels = shape[this.#axis];
    this.#min ??= new Float64Array(channels).fill(Infinity);
    this.#max ??= new Float64Array(channels).fill(-Infinity);
    const min = this.#min;
    const max = this.#max;
    forEachChannel(shape, this.#axis, (channel, start, length) => {
      for (let index = start; index < start + length; index++) {
        const value = values[index];
        if (value < min[channel]) min[channel] = value;
        if (value > max[channel]) max[channel] = value;
      }
    });
  }

  result(): RangeStatistics | null {
    if (!this.#min || !this.#max) return null;
    const max = this.#max;
    return {
      min: this.#min,
      max,
      absMax: this.#min.map((low, channel) => Math.max(Math.abs(low), Math.abs(max[channel]))),
    };
  }
}

/** The mean of a value per channel, averaged over samples, and the shape of the first sample. */
export class ChannelMeanCollector implements Collector {
  readonly #axis: number;
  #total: Float64Array | null = null;
  #samples = 0;
  shape: readonly number[] = [];

  /** @param axis The channel axis; may count from the end. */
  constructor(axis: number) {
    this.#axis = axis;
  }

  add(values: ArrayLike<number>, shape: readonly number[]): void {
    if (values.length === 0) return;
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

/** Checks calibration values: a NaN or infinity would become the range of a quantizer. */
export function requireFinite(values: ArrayLike<number>, tensor: Tensor, where: string): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) {
      throw new ValidationError(
        'CALIBRATION_NOT_FINITE',
        `Calibration: ${where} of shape ${formatShape(tensor.shape)} holds ${values[index]} at position ${index}. Remove the sample or correct the model; no range can be found from it.`,
        { where, index },
      );
    }
  }
}
