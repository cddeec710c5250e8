/** Average pooling of images. */

import { type AvgPool2dOptions, avgPool2d } from '../../ops/neural/avgPool.js';
import { poolPadding } from '../../ops/neural/maxPool.js';
import { type Pair, pairOf } from '../../ops/neural/spatial.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/** The mean of each window of x [N, C, H, W]. Options as of `functional.avgPool2d`. */
export class AvgPool2d extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;

  /** @throws ValidationError for arguments that make no sense, and for unknown options. */
  constructor(kernelSize: Pair, options: AvgPool2dOptions = {}) {
    super();
    checkOptions('AvgPool2d', options, ['stride', 'padding', 'ceilMode', 'countIncludePad']);
    this.kernelSize = pairOf(kernelSize, 1, 'AvgPool2d', 'kernelSize');
    this.stride = pairOf(options.stride ?? this.kernelSize, 1, 'AvgPool2d', 'stride');
    this.padding = poolPadding(options.padding ?? 0, this.kernelSize, 'AvgPool2d');
    this.ceilMode = options.ceilMode ?? false;
    this.countIncludePad = options.countIncludePad ?? true;
  }

  override forward(x: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad } = this;
    return avgPool2d(x, kernelSize, { stride, padding, ceilMode, countIncludePad });
  }
}
