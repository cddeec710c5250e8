/** Two-dimensional convolution and transposed convolution with PyTorch's arguments. */
import { applyOne } from '../../autograd/dispatch.js';
import { ShapeError, ValidationError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import { formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add } from '../elementwise/add.js';
import { reshape } from '../movement/reshape.js';
import {
  CONVOLUTION,
  CONVOLUTION_BACKPROP,
  GROUP_CONVOLUTION,
  GROUP_CONVOLUTION_BACKPROP,
  gradientOfConvolution,
  gradientOfConvolutionBackprop,
} from './convolution.js';
import type { PaddingAttributes } from './padding.js';
import { type Pair, pairOf, requireImages } from './spatial.js';

/**
 * Zeros around the image: one number, [y, x], or [top, left, bottom, right]; `same`: as many as make the output
 * ceil(input / stride) large, the odd one after the image; `valid`: none.
 */
export type Conv2dPadding = number | readonly number[] | 'same' | 'valid';

export interface Conv2dOptions {
  /** Default: 1. */
  stride?: Pair;
  /** Default: 0. */
  padding?: Conv2dPadding;
  /** Distance between the pixels that the kernel reads. Default: 1. */
  dilation?: Pair;
  /** Number of groups that input and output channels are split into. Default: 1. */
  groups?: number;
}

type Pads = Pick<PaddingAttributes, 'padsBegin' | 'padsEnd' | 'autoPad'>;

export function explicitPads(padding: number | readonly number[], where: string): Pads {
  const list = typeof padding === 'number' ? [padding] : padding;
  const [top, left, bottom, right] =
    list.length === 1 ? [list[0], list[0], list[0], list[0]] : list.length === 2 ? [...list, ...list] : list;
  if (![1, 2, 4].includes(list.length) || list.some((pixels) => !Number.isInteger(pixels) || pixels < 0)) {
    throw new ValidationError(
      'BAD_PADDING',
      `${where}: padding is ${JSON.stringify(padding)}; give a whole number of at least 0, [y, x] or [top, left, bottom, right] of them.`,
      { padding },
    );
  }
  return { padsBegin: [top, left], padsEnd: [bottom, right], autoPad: 'explicit' };
}

export function padsOf(padding: Conv2dPadding, where: string): Pads {
  if (typeof padding !== 'string') return explicitPads(padding, where);
  if (padding !== 'same' && padding !== 'valid') {
    throw new ValidationError(
      'BAD_PADDING',
      `${where}: padding '${String(padding)}' is not known; use 'same', 'valid' or numbers.`,
      { padding },
    );
  }
  return { padsBegin: [0, 0], padsEnd: [0, 0], autoPad: padding === 'same' ? 'same_upper' : 'valid' };
}

function checkWeight(where: string, weight: Tensor, form: string): void {
  if (weight.rank !== 4)
    throw new ShapeError(
      'RANK_MISMATCH',
      `${where}: the weight must be ${form}, but its shape is ${formatShape(weight.shape)}.`,
      { weight: weight.shape },
    );
}

/** Checks that the leading axis of the weight splits into groups. */
function checkGroups(where: string, groups: number, weight: Tensor, what: string): void {
  if (!Number.isInteger(groups) || groups < 1 || weight.shape[0] % groups !== 0) {
    throw new ValidationError(
      'BAD_GROUPS',
      `${where}: ${groups} groups do not divide the ${weight.shape[0]} ${what} of a weight of shape ${formatShape(weight.shape)}.`,
      {
        groups,
        weight: weight.shape,
      },
    );
  }
}

/** [A, B, kh, kw] as [groups, A / groups, B, kh, kw]. */
const grouped = (weight: Tensor, groups: number): Tensor =>
  reshape(weight, [groups, weight.shape[0] / groups, ...weight.shape.slice(1)]);

function addBias(where: string, y: Tensor, bias: Tensor | null | undefined, channels: number): Tensor {
  if (!bias) return y;
  if (bias.rank !== 1 || bias.shape[0] !== channels) {
    throw new ShapeError(
      'BIAS_MISMATCH',
      `${where}: the bias of shape ${formatShape(bias.shape)} does not fit an output with ${channels} channels; it must be [${channels}].`,
      {
        bias: bias.shape,
        output: y.shape,
      },
    );
  }
  return add(y, reshape(bias, [1, channels, 1, 1]));
}

/**
 * Convolution (cross-correlation) of x [N, C, H, W] with `weight` [O, C / groups, kh, kw], plus `bias` [O]:
 * [N, O, H', W']. PyTorch's `conv2d`.
 * @param bias Default: none.
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: Conv2dOptions = {}): Tensor {
  checkOptions('conv2d', options, ['stride', 'padding', 'dilation', 'groups']);
  requireImages('conv2d', x);
  checkWeight('conv2d', weight, '[O, C / groups, kh, kw]');
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  checkGroups('conv2d', groups, weight, 'output channels');
  const attributes = {
    strides: pairOf(stride, 1, 'conv2d', 'stride'),
    dilations: pairOf(dilation, 1, 'conv2d', 'dilation'),
    ...padsOf(padding, 'conv2d'),
  };
  const y =
    groups === 1
      ? applyOne(CONVOLUTION, [x, weight], attributes, gradientOfConvolution)
      : applyOne(GROUP_CONVOLUTION, [x, grouped(weight, groups)], attributes, gradientOfConvolution);
  return addBias('conv2d', y, bias, weight.shape[0]);
}

export interface ConvTranspose2dOptions {
  /** Default: 1. */
  stride?: Pair;
  /** Pixels cut from every side of the output: one number, [y, x] or [top, left, bottom, right]. Default: 0. */
  padding?: number | readonly number[];
  /** Rows and columns added to the output at its end; less than the stride or the dilation. Default: 0. */
  outputPadding?: Pair;
  /** Default: 1. */
  groups?: number;
  /** Default: 1. */
  dilation?: Pair;
}

/**
 * Transposed convolution of x [N, C, H, W] with `weight` [C, O / groups, kh, kw], plus `bias` [O]: [N, O, H', W'] with
 * H' = (H - 1) stride - 2 padding + dilation (kh - 1) + outputPadding + 1. PyTorch's `conv_transpose2d`.
 * @param bias Default: none.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvTranspose2dOptions = {},
): Tensor {
  checkOptions('convTranspose2d', options, ['stride', 'padding', 'outputPadding', 'groups', 'dilation']);
  requireImages('convTranspose2d', x);
  checkWeight('convTranspose2d', weight, '[C, O / groups, kh, kw]');
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  checkGroups('convTranspose2d', groups, weight, 'input channels');
  const strides = pairOf(stride, 1, 'convTranspose2d', 'stride');
  const dilations = pairOf(dilation, 1, 'convTranspose2d', 'dilation');
  const outputPadding = pairOf(options.outputPadding ?? 0, 0, 'convTranspose2d', 'outputPadding');
  if (outputPadding.some((pixels, axis) => pixels >= Math.max(strides[axis], dilations[axis]))) {
    throw new ValidationError(
      'OUTPUT_PADDING',
      `convTranspose2d: outputPadding ${JSON.stringify(outputPadding)} must be less than the stride ${JSON.stringify(strides)} or the dilation ${JSON.stringify(dilations)}.`,
      {
        outputPadding,
        strides,
        dilations,
      },
    );
  }
  const attributes = { strides, dilations, ...explicitPads(padding, 'convTranspose2d'), outputPadding };
  const y =
    groups === 1
      ? applyOne(CONVOLUTION_BACKPROP, [x, weight], attributes, gradientOfConvolutionBackprop)
      : applyOne(GROUP_CONVOLUTION_BACKPROP, [x, grouped(weight, groups)], attributes, gradientOfConvolutionBackprop);
  return addBias('convTranspose2d', y, bias, weight.shape[1] * groups);
}
