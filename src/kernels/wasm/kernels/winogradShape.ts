/** Which convolutions take Winograd's algorithm, and how their tiles are cut into blocks. */
import { type I32, i32 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import type { ConvolutionShape } from './convolutionShape.js';
import { paddedStride } from './gemm.js';
import type { GroupSize } from './imageGroups.js';
import { constant, evenBlock, minimum, times } from './spans.js';
import { F4, F4_STRIDE_2, F4_STRIDE_2_GRADIENT, type WinogradMatrices } from './winogradTransforms.js';

/** A 3 x 3 convolution with stride 1 or 2 of `depth` to `rows` channels. */
export interface WinogradShape {
  readonly matrices: WinogradMatrices;
  readonly batch: number;
  /** Images that are worked on together; the last group may not be whole. */
  readonly group: GroupSize;
  readonly rows: number;
  readonly depth: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly pads: readonly number[];
}

/** Tiles of all images, and of those that fill up the last group. */
export const tileCount = ({
  matrices,
  batch,
  group,
  outputHeight,
  outputWidth,
}: Pick<WinogradShape, 'matrices' | 'batch' | 'group' | 'outputHeight' | 'outputWidth'>): number =>
  group *
  Math.ceil(batch / group) *
  Math.ceil(outputHeight / matrices.outputs) *
  Math.ceil(outputWidth / matrices.outputs);

/** Fewer channels than this do not pay for the transforms of tiles. */
const FEWEST_CHANNELS = 8;
const FEWEST_CHANNELS_STRIDE_2 = 64;

/** Transforming a filter costs as much as multiplying it with so many tiles. */
const FILTER_TILES = 6;

/** What all multiplications may cost at most, as a part of those of the matrix product. */
const MOST_WORK = 0.8;

/** Null where the matrix product is better, as where much of the tiles is outside of the images or of the batch. */
export function winogradShape(shape: ConvolutionShape): WinogradShape | null {
  const { kernelHeight, kernelWidth, strides, dilations, groups, batch, inputChannels, outputChannels } = shape;
  const { outputHeight, outputWidth } = shape;
  const fits = kernelHeight === 3 && kernelWidth === 3 && groups === 1 && dilations.every((step) => step === 1);
  const matrices = [F4, F4_STRIDE_2].find(({ step, outputs }) => strides.every((stride) => stride === step / outputs));
  if (!fits || !matrices || Math.min(outputHeight, outputWidth) < 3) return null;
  const fewest = matrices === F4 ? FEWEST_CHANNELS : FEWEST_CHANNELS_STRIDE_2;
  if (Math.min(inputChannels, outputChannels) < fewest) return null;
  const group = batch % 8 === 0 ? 8 : 4;
  const tiles = tileCount({ matrices, batch, group, outputHeight, outputWidth });
  const products = matrices.products ** 2 * (tiles + FILTER_TILES);
  if (products > MOST_WORK * 9 * batch * outputHeight * outputWidth) return null;
  return {
    matrices,
    batch,
    group,
    rows: outputChannels,
    depth: inputChannels,
    inputHeight: shape.height,
    inputWidth: shape.width,
    outputHeight,
    outputWidth,
    pads: shape.pads,
  };
}

/** The convolution that gives the gradient of the input: from the output's gradient with turned filters. */
export function gradientShape(shape: WinogradShape): WinogradShape | null {
  const apart = shape.matrices === F4_STRIDE_2;
  if (apart && shape.pads.some((pad) => pad !== 1)) return null;
  return {
    ...shape,
    matrices: apart ? F4_STRIDE_2_GRADIENT : F4,
    rows: shape.depth,
    depth: shape.rows,
    inputHeight: shape.outputHeight,
    inputWidth: shape.outputWidth,
    outputHeight: shape.inputHeight,
    outputWidth: shape.inputWidth,
    pads: shape.pads.map((pad) => (apart ? 0 : 2 - pad)),
  };
}

export interface TileBlocks {
  /** Tiles along the axes of an image. */
  readonly tileRows: number;
  readonly tileColumns: number;
  /** Images of a group. */
  readonly group: GroupSize;
  /** Groups of images, and rows of tiles, in a block. */
  readonly groups: number;
  readonly lines: number;
  readonly groupCount: number;
  readonly grid: readonly [groups: number, lines: number];
  /** Most tiles in a block, those of a group's images counted one by one. */
  readonly tiles: number;
  /** Floats from one channel to the next of transformed tiles. */
  readonly stride: number;
}

/** Tiles of a block: enough to use each transformed filter often, few enough for the second-level cache. */
const TILE_BLOCK = 64;

/** Cuts the tiles into blocks of about `most`. */
export function tileBlocks(
  { matrices, batch, group, outputHeight, outputWidth }: WinogradShape,
  most = TILE_BLOCK,
): TileBlocks {
  const [tileRows, tileColumns] = [outputHeight, outputWidth].map((extent) => Math.ceil(extent / matrices.outputs));
  const groupCount = Math.ceil(batch / group);
  const lines = evenBlock(tileRows, Math.max(1, Math.floor(most / (group * tileColumns))), 1);
  const groups =
    lines < tileRows ? 1 : evenBlock(groupCount, Math.max(1, Math.floor(most / (group * tileColumns * lines))), 1);
  const tiles = group * groups * lines * tileColumns;
  const grid = [Math.ceil(groupCount / groups), Math.ceil(tileRows / lines)] as const;
  return { tileRows, tileColumns, group, groups, lines, groupCount, grid, tiles, stride: paddedStride(tiles) };
}

/** A block of tiles while the kernel runs. */
export interface TileBlock {
  readonly firstGroup: I32;
  readonly groups: I32;
  readonly firstLine: I32;
  readonly lines: I32;
  readonly tiles: I32;
}

export function emitTileBlock(code: FunctionBuilder, blocks: TileBlocks, groupIndex: I32, lineIndex: I32): TileBlock {
  const firstGroup = code.local('i32', i32.mul(groupIndex, constant(blocks.groups)));
  const firstLine = code.local('i32', i32.mul(lineIndex, constant(blocks.lines)));
  const groups = code.local('i32', minimum(constant(blocks.groups), i32.sub(constant(blocks.groupCount), firstGroup)));
  const lines = code.local('i32', minimum(constant(blocks.lines), i32.sub(constant(blocks.tileRows), firstLine)));
  const tiles = code.local('i32', times(i32.mul(groups, lines), blocks.group * blocks.tileColumns));
  return { firstGroup, groups, firstLine, lines, tiles };
}
