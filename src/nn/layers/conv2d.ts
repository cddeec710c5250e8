/** Two-dimensional convolution. */

import {
  type Conv2dOptions as Conv2dFunctionOptions,
  type Conv2dPadding,
  conv2d,
  padsOf,
} from '../../ops/neural/conv2d.js';
import { type Pair, pairOf } from '../../ops/neural/spatial.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import type { Parameter } from '../parameter.js';
import { checkCount, checkGroups } from './checks.js';
import { emptyParameter, resetWeightAndBias } from './weights.js';

export interface Conv2dOptions extends Conv2dFunctionOptions {
  /** Whether to add a trained offset to each output channel. Default: true. */
  bias?: boolean;
}

/** x [N, inChannels, H, W] to [N, outChannels, H', W']. */
export class Conv2d extends Module {
  /** [outChannels, inChannels / groups, kh, kw]. */
  readonly weight: Parameter;
  /** [outChannels]. */
  readonly bias: Parameter | null;
  readonly inChannels: number;
  readonly outChannels: number;
  /** [y, x]. */
  readonly kernelSize: readonly number[];
  readonly stride: Pair;
  readonly padding: Conv2dPadding;
  readonly dilation: Pair;
  readonly groups: number;

  /** @throws ValidationError for arguments that make no sense, and for unknown options. */
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dOptions = {}) {
    super();
    checkOptions('Conv2d', options, ['stride', 'padding', 'dilation', 'groups', 'bias']);
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    this.inChannels = checkCount('Conv2d', 'inChannels', inChannels);
    this.outChannels = checkCount('Conv2d', 'outChannels', outChannels);
    this.kernelSize = pairOf(kernelSize, 1, 'Conv2d', 'kernelSize');
    this.stride = pairOf(stride, 1, 'Conv2d', 'stride');
    this.dilation = pairOf(dilation, 1, 'Conv2d', 'dilation');
    padsOf(padding, 'Conv2d');
    this.padding = padding;
    this.groups = checkGroups('Conv2d', groups, inChannels, outChannels);
    this.weight = emptyParameter([outChannels, inChannels / groups, ...this.kernelSize]);
    this.bias = bias ? emptyParameter([outChannels]) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }
}
