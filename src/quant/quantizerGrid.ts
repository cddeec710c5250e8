/** The grid of a quantizer on the host, checked to be one that a file can hold. */

import { noGrad } from '../autograd/gradMode.js';
import { ValidationError } from '../errors.js';
import { levelsOf } from '../ops/quantization/quantizeDequantize.js';
import { type Shape, stridesOf } from '../tensor/shape.js';
import type { Quantizer } from './quantizer.js';

export interface QuantizerGrid {
  /** Lower ends, one per channel or one for all. */
  readonly low: Float32Array;
  /** Upper ends. */
  readonly high: Float32Array;
  /** The inverse of the step that the forward pass multiplies with: (levels - 1) / range. */
  readonly inverseStep: Float32Array;
  readonly levels: number;
  /** How the values broadcast to the quantized tensor; [] for one value. */
  readonly shape: Shape;
}

/** @throws ValidationError `QUANTIZER_RANGE` if training has led the range to NaN or infinity. */
export async function quantizerGrid(quantizer: Quantizer): Promise<QuantizerGrid> {
  const { low, range } = noGrad(() => quantizer.range());
  const [lows, ranges] = await Promise.all([low.data(), range.data()]);
  const levels = levelsOf(quantizer.codes);
  for (let index = 0; index < lows.length; index++) {
    if (Number.isFinite(lows[index]) && Number.isFinite(ranges[index]) && ranges[index] > 0) continue;
    throw new ValidationError(
      'QUANTIZER_RANGE',
      `The quantizer '${quantizer.name}' has the range ${lows[index]} to ${lows[index] + ranges[index]}${lows.length > 1 ? ` in channel ${index}` : ''}, which a file cannot hold. ` +
        'Training has diverged: use an earlier checkpoint or a lower learning rate.',
      { quantizer: quantizer.name, channel: index },
    );
  }
  return {
    low: Float32Array.from(lows),
    // Each step in float32, as the forward pass computes it.
    high: Float32Array.from(lows, (value, index) => value + ranges[index]),
    inverseStep: Float32Array.from(ranges, (value) => (levels - 1) / value),
    levels,
    shape: lows.length === 1 ? [] : low.shape,
  };
}

/** For each element of a tensor of shape `shape`, the index of its range in a quantizer's grid. */
export function channelIndex(
  shape: Shape,
  { shape: channels }: Pick<QuantizerGrid, 'shape'>,
): (index: number) => number {
  if (channels.length === 0) return () => 0;
  const axis = channels.findIndex((extent) => extent > 1);
  if (axis < 0) return () => 0;
  const stride = stridesOf(shape)[axis];
  const extent = shape[axis];
  return (index) => Math.floor(index / stride) % extent;
}
