/** Max pooling of images. */

import { type MaxPool2dOptions, maxPool2d, poolPadding } from '../../ops/neural/maxPool.js';
import { type Pair, pairOf } from '../../ops/neural/spatial.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/** The largest value of each window of x [N, C, H, W]. Options as of `functional.maxPool2d`. */
export class MaxPool2d extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly ceilMode: boolean;

  /** @throws ValidationError for arguments that make no sense, and for unknown options. */
  constructor(kernelSize: Pair, options: MaxPool2dOptions = {}) {
    super();
    checkOptions('MaxPool2d', options, ['stride', 'padding', 'dilation', 'ceilMode']);
    this.kernelSize = pairOf(kernelSize, 1, 'MaxPool2d', 'kernelSize');
    this.stride = pairOf(options.stride ?? this.kernelSize, 1, 'MaxPool2d', 'stride');
    this.padding = poolPadding(options.padding ?? 0, this.kernelSize, 'MaxPool2d');
    this.dilation = pairOf(options.dilation ?? 1, 1, 'MaxPool2d', 'dilation');
    this.ceilMode = options.ceilMode ?? false;
  }

  override forward(x: Tensor): Tensor {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return maxPool2d(x, kernelSize, { stride, padding, dilation, ceilMode });
  }
}
