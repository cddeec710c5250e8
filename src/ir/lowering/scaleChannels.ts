/** Multiplies weights, or the scale of quantized weights, by one factor per output channel. */
import { fromValues } from '../../tensor/create.js';
import { type Shape, sizeOf, stridesOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

/**
 * @param tensor Weights, or what broadcasts to them.
 * @param weights Shape of the weights.
 * @param axes The axes of the weights that together count the output channels.
 * @param factor One per output channel.
 * @returns float32, with the extents of the weights on `axes` and those of `tensor` elsewhere.
 */
export function scaleChannels(tensor: Tensor, weights: Shape, axes: readonly number[], factor: Float64Array): Tensor {
  const from = [...new Array<number>(weights.length - tensor.rank).fill(1), ...tensor.shape];
  const shape = weights.map((extent, axis) => (axes.includes(axis) ? extent : from[axis]));
  const fromStrides = stridesOf(from);
  const strides = stridesOf(shape);
  const channelStrides = stridesOf(axes.map((axis) => weights[axis]));
  const values = tensor.dataSync();
  const scaled = new Float32Array(sizeOf(shape));
  for (let index = 0; index < scaled.length; index++) {
    let source = 0;
    for (let axis = 0; axis < shape.length; axis++) {
      if (from[axis] > 1) source += (Math.floor(index / strides[axis]) % shape[axis]) * fromStrides[axis];
    }
    let channel = 0;
    for (const [position, axis] of axes.entries()) {
      channel += (Math.floor(index / strides[axis]) % shape[axis]) * channelStrides[position];
    }
    scaled[index] = values[source] * factor[channel];
  }
  return fromValues(scaled, shape, 'float32', { backend: tensor.backend });
}
