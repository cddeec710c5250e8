/** Two-dimensional transposed convolution, for upsampling with trained filters. */
import { ValidationError } from '../../errors.js';
import {
  type ConvTranspose2dOptions as ConvTranspose2dFunctionOptions,
  convTranspose2d,
  explicitPads,
} from '../../ops/neural/conv2d.js';
import { type Pair, pairOf } from '../../ops/neural/spatial.js';
import { checkOptions } from '../../options.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import type { Parameter } from '../parameter.js';
import { checkCount, checkGroups } from './checks.js';
import { emptyParameter, resetWeightAndBias } from './weights.js';

export interface ConvTranspose2dOptions extends ConvTranspose2dFunctionOptions {
  /** Whether to add a trained offset to each output channel. Default: true. */
  bias?: boolean;
}

/** x [N, inChannels, H, W] to [N, outChannels, H', W'], H' = (H - 1) stride - 2 padding + dilation (kh - 1) + outputPadding + 1. */
export class ConvTranspose2d extends Module {
  /** [inChannels, outChannels / groups, kh, kw]. */
  readonly weight: Parameter;
  /** [outChannels]. */
  readonly bias: Parameter | null;
  readonly inChannels: number;
  readonly outChannels: number;
  /** [y, x]. */
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: number | readonly number[];
  readonly outputPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;

  /** @throws ValidationError for arguments that make no sense, and for unknown options. */
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: ConvTranspose2dOptions = {}) {
    super();
    const where = 'ConvTranspose2d';
    checkOptions(where, options, ['stride', 'padding', 'outputPadding', 'groups', 'bias', 'dilation']);
    const { stride = 1, padding = 0, outputPadding = 0, groups = 1, bias = true, dilation = 1 } = options;
    this.inChannels = checkCount(where, 'inChannels', inChannels);
    this.outChannels = checkCount(where, 'outChannels', outChannels);
    this.kernelSize = pairOf(kernelSize, 1, where, 'kernelSize');
    this.stride = pairOf(stride, 1, where, 'stride');
    this.dilation = pairOf(dilation, 1, where, 'dilation');
    this.outputPadding = pairOf(outputPadding, 0, where, 'outputPadding');
    if (this.outputPadding.some((pixels, axis) => pixels >= Math.max(this.stride[axis], this.dilation[axis]))) {
      throw new ValidationError(
        'OUTPUT_PADDING',
        `${where}: outputPadding ${JSON.stringify(outputPadding)} must be less than the stride ${JSON.stringify(stride)} or the dilation ${JSON.stringify(dilation)}.`,
        { outputPadding, stride, dilation },
      );
    }
    explicitPads(padding, where);
    this.padding = padding;
    this.groups = checkGroups(where, groups, inChannels, outChannels);
    this.weight = emptyParameter([inChannels, outChannels / groups, ...this.kernelSize]);
    this.bias = bias ? emptyParameter([outChannels]) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, outputPadding, groups, dilation } = this;
    return convTranspose2d(x, this.weight, this.bias, { stride, padding, outputPadding, groups, dilation });
  }
}
