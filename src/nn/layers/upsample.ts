/** Resizing of images. */
import { type InterpolateOptions, interpolate, interpolateAttributes } from '../../ops/neural/interpolate.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/** Resizes x [N, C, H, W] to a size or by a factor. Options as of `functional.interpolate`. */
export class Upsample extends Module {
  readonly options: Readonly<InterpolateOptions>;

  /** @throws ValidationError for options that are unknown or make no sense. */
  constructor(options: InterpolateOptions) {
    super();
    interpolateAttributes('Upsample', options);
    this.options = { ...options };
  }

  override forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}
