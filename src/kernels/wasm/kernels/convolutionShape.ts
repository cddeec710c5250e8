/** Extents of a convolution, and how its output pixels are cut into blocks of columns for the matrix product. */
import type { Conv2dAttributes } from '../../contract.js';
import { type I32, i32 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { sizeOf } from '../kernel.js';
import { COLUMN_BLOCK, TILE_COLUMNS } from './gemm.js';
import { constant, evenBlock, floatAt, minimum } from './spans.js';

export interface ConvolutionShape {
  readonly batch: number;
  readonly groups: number;
  /** Channels of one group. */
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly height: number;
  readonly width: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  /** Elements of the window. */
  readonly taps: number;
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  /** Whether an output pixel sees just its own input pixel: 1x1, stride 1, no padding. */
  readonly pointwise: boolean;
  /** Multiply-adds. */
  readonly cost: number;
  /** Part of the kernels' keys. */
  readonly key: string;
}

/** Shapes are [N, C, H, W] of the input, [O, C / groups, kh, kw] of the filter and [N, O, H', W'] of the output. */
export function convolutionShape(
  input: readonly number[],
  filter: readonly number[],
  output: readonly number[],
  { strides, padsBegin, dilations, groups }: Conv2dAttributes,
): ConvolutionShape {
  const [outputs, inputChannels, kernelHeight, kernelWidth] = filter;
  const [batch, , height, width] = input;
  const [, , outputHeight, outputWidth] = output;
  const same = height === outputHeight && width === outputWidth;
  const single = kernelHeight * kernelWidth === 1 && Math.max(...strides) === 1 && Math.max(...padsBegin) === 0;
  const parts = [input, filter, output, strides, padsBegin, dilations];
  return {
    batch,
    groups,
    inputChannels,
    outputChannels: outputs / groups,
    height,
    width,
    outputHeight,
    outputWidth,
    kernelHeight,
    kernelWidth,
    taps: kernelHeight * kernelWidth,
    strides,
    pads: padsBegin,
    dilations,
    pointwise: same && single,
    cost: sizeOf(output) * inputChannels * kernelHeight * kernelWidth,
    key: `${parts.map((part) => part.join('x')).join(' ')} /${groups}`,
  };
}

/**
 * Blocks of output pixels: some lines of one image, or, where images are small, some whole images. A line is a row of
 * pixels, or a single one where rows do not matter.
 */
export interface PixelBlocks {
  readonly batch: number;
  readonly images: number;
  readonly lineCount: number;
  readonly lines: number;
  readonly lineWidth: number;
  /** Number of blocks along images and lines. */
  readonly grid: readonly [images: number, lines: number];
  /** Most pixels in a block. */
  readonly columns: number;
  /** Whether every block is a part of one image and made of whole tiles. */
  readonly regular: boolean;
}

export function pixelBlocks({ batch, outputHeight, outputWidth, pointwise }: ConvolutionShape): PixelBlocks {
  const area = outputHeight * outputWidth;
  const [lineCount, lineWidth] = pointwise ? [area, 1] : [outputHeight, outputWidth];
  const width = TILE_COLUMNS;
  const small = area <= COLUMN_BLOCK / 2;
  const images = small ? evenBlock(batch, Math.floor(COLUMN_BLOCK / area), 1) : 1;
  const linesThatFit = Math.max(1, Math.floor(COLUMN_BLOCK / lineWidth));
  const lines = small ? lineCount : Math.min(lineCount, evenBlock(lineCount, linesThatFit, pointwise ? width : 1));
  return {
    batch,
    images,
    lineCount,
    lines,
    lineWidth,
    grid: [Math.ceil(batch / images), Math.ceil(lineCount / lines)],
    columns: images * lines * lineWidth,
    regular: images === 1 && lineCount % lines === 0 && (lines * lineWidth) % width === 0,
  };
}

/** A block of pixels while the kernel runs. */
export interface PixelBlock {
  readonly firstImage: I32;
  readonly images: I32;
  readonly firstLine: I32;
  readonly lines: I32;
  /** Position of the first pixel in its plane. */
  readonly start: I32;
  /** Pixels of an image in the block. */
  readonly count: I32;
  /** Pixels in the block. */
  readonly columns: I32;
}

/** The extent of block `index` of an axis: `size`, or what is left for the last one. */
function lengthOf(code: FunctionBuilder, first: I32, extent: number, size: number): I32 {
  if (extent % size === 0) return constant(size);
  return code.local('i32', minimum(constant(size), i32.sub(constant(extent), first)));
}

export function emitPixelBlock(
  code: FunctionBuilder,
  blocks: PixelBlocks,
  imageIndex: I32,
  lineIndex: I32,
): PixelBlock {
  const firstImage = code.local('i32', i32.mul(imageIndex, constant(blocks.images)));
  const firstLine = code.local('i32', i32.mul(lineIndex, constant(blocks.lines)));
  const images = lengthOf(code, firstImage, blocks.batch, blocks.images);
  const lines = lengthOf(code, firstLine, blocks.lineCount, blocks.lines);
  const count = code.local('i32', i32.mul(lines, constant(blocks.lineWidth)));
  return {
    firstImage,
    images,
    firstLine,
    lines,
    start: code.local('i32', i32.mul(firstLine, constant(blocks.lineWidth))),
    count,
    columns: code.local('i32', i32.mul(images, count)),
  };
}

/** The address of a block's first pixel in a plane of [N, channels, area], for an image of the block. */
export const pixelAt = (
  tensor: I32,
  { firstImage, start }: PixelBlock,
  image: I32,
  channel: I32,
  [channels, area]: readonly [channels: number, area: number],
): I32 => floatAt(tensor, [i32.add(firstImage, image), channels * area], [channel, area], [start, 1]);
