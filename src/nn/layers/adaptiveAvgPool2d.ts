/** Average pooling to a given size. */
import { adaptiveAvgPool2d } from '../../ops/neural/adaptiveAvgPool.js';
import { type Pair, pairOf } from '../../ops/neural/spatial.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/** Means of x [N, C, H, W] over windows that divide the image into `outputSize`; 1 averages whole images. */
export class AdaptiveAvgPool2d extends Module {
  /** [y, x]. */
  readonly outputSize: readonly number[];

  /** @throws ValidationError for sizes below 1. */
  constructor(outputSize: Pair) {
    super();
    this.outputSize = pairOf(outputSize, 1, 'AdaptiveAvgPool2d', 'outputSize');
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}
