/** Which convolutions take Winograd's algorithm, and how their tiles are cut into blocks. */
import { type I32, i32 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import type { ConvolutionShape } from './convolutionShape.js';
import { paddedStride } from './gemm.js';
import { constant, evenBlock, minimum, times } from './spans.js';
import { F4, type WinogradMatrices } from './winogradTransforms.js';

/** A 3 x 3 convolution with stride 1 of `depth` to `rows` channels. */
export interface WinogradShape {
  readonly matrices: WinogradMatrices;
  readonly batch: number;
  readonly rows: number;
  readonly depth: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly pads: readonly number[];
}

/** Fewer channels than this do not pay for the transforms of tiles, fewer tiles not for those of filters. */
const FEWEST_CHANNELS = 8;
const FEWEST_TILES = 3;

/**
 * Null where the matrix product is better. Vectors hold a pixel of four images: of a single one, three quarters of the
 * work would be for nothing.
 */
export function winogradShape(shape: ConvolutionShape): WinogradShape | null {
  const { kernelHeight, kernelWidth, strides, dilations, groups, batch, inputChannels, outputChannels } = shape;
  const fits = kernelHeight === 3 && kernelWidth === 3 && [...strides, ...dilations].every((step) => step === 1);
  const pays = Math.min(inputChannels, outputChannels) >= FEWEST_CHANNELS;
  const large = Math.min(shape.outputHeight, shape.outputWidth) >= 3;
  const tiles = Math.ceil(shape.outputHeight / F4.outputs) * Math.ceil(shape.outputWidth / F4.outputs);
  if (!fits || groups !== 1 || batch === 1 || batch * tiles < FEWEST_TILES || !pays || !large) return null;
  return {
    matrices: F4,
    batch,
    rows: outputChannels,
    depth: inputChannels,
    inputHeight: shape.height,
    inputWidth: shape.width,
    outputHeight: shape.outputHeight,
    outputWidth: shape.outputWidth,
    pads: shape.pads,
  };
}

/** The convolution that gives the gradient of the input: from the output's gradient with turned filters. */
export const gradientShape = (shape: WinogradShape): WinogradShape => ({
  ...shape,
  rows: shape.depth,
  depth: shape.rows,
  inputHeight: shape.outputHeight,
  inputWidth: shape.outputWidth,
  outputHeight: shape.inputHeight,
  outputWidth: shape.inputWidth,
  pads: shape.pads.map((pad) => 2 - pad),
});

export interface TileBlocks {
  /** Tiles along the axes of an image. */
  readonly tileRows: number;
  readonly tileColumns: number;
  /** Groups of four images, and rows of tiles, in a block. */
  readonly quads: number;
  readonly lines: number;
  readonly quadCount: number;
  readonly grid: readonly [quads: number, lines: number];
  /** Most tiles in a block, those of four images counted one by one. */
  readonly tiles: number;
  /** Floats from one channel to the next of transformed tiles. */
  readonly stride: number;
}

/** Tiles of all images, and of those that fill up the last four. */
export const tileCount = ({ matrices, batch, outputHeight, outputWidth }: WinogradShape): number =>
  4 * Math.ceil(batch / 4) * Math.ceil(outputHeight / matrices.outputs) * Math.ceil(outputWidth / matrices.outputs);

/** Tiles of a block: enough to use each transformed filter often, few enough for the second-level cache. */
const TILE_BLOCK = 64;

/** Cuts the tiles into blocks of about `most`. */
export function tileBlocks(
  { matrices, batch, outputHeight, outputWidth }: WinogradShape,
  most = TILE_BLOCK,
): TileBlocks {
  const [tileRows, tileColumns] = [outputHeight, outputWidth].map((extent) => Math.ceil(extent / matrices.outputs));
  const quadCount = Math.ceil(batch / 4);
  const lines = evenBlock(tileRows, Math.max(1, Math.floor(most / (4 * tileColumns))), 1);
  const quads =
    lines < tileRows ? 1 : evenBlock(quadCount, Math.max(1, Math.floor(most / (4 * tileColumns * lines))), 1);
  const tiles = 4 * quads * lines * tileColumns;
  const grid = [Math.ceil(quadCount / quads), Math.ceil(tileRows / lines)] as const;
  return { tileRows, tileColumns, quads, lines, quadCount, grid, tiles, stride: paddedStride(tiles) };
}

/** A block of tiles while the kernel runs. */
export interface TileBlock {
  readonly firstQuad: I32;
  readonly quads: I32;
  readonly firstLine: I32;
  readonly lines: I32;
  readonly tiles: I32;
}

export function emitTileBlock(code: FunctionBuilder, blocks: TileBlocks, quadIndex: I32, lineIndex: I32): TileBlock {
  const firstQuad = code.local('i32', i32.mul(quadIndex, constant(blocks.quads)));
  const firstLine = code.local('i32', i32.mul(lineIndex, constant(blocks.lines)));
  const quads = code.local('i32', minimum(constant(blocks.quads), i32.sub(constant(blocks.quadCount), firstQuad)));
  const lines = code.local('i32', minimum(constant(blocks.lines), i32.sub(constant(blocks.tileRows), firstLine)));
  const tiles = code.local('i32', times(i32.mul(quads, lines), 4 * blocks.tileColumns));
  return { firstQuad, quads, firstLine, lines, tiles };
}
