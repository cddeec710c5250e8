/**
 * 3 x 3 convolution by Winograd's algorithm and, with stride 1, the gradient of its input, which is one too. The filters
 * are transformed first; then blocks of tiles are transformed, multiplied for each of the products of a tile as a matrix
 * [rows, depth] x [depth, tiles], and transformed back.
 */
import { type I32, i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { sizeOf, type WasmCall } from '../kernel.js';
import type { ConvolutionShape } from './convolutionShape.js';
import { type BuildConvolution, callWithEpilogue, type Epilogue } from './epilogue.js';
import { chooseRowBlock, defineGemm, TILE_ROWS } from './gemm.js';
import {
  defineGroupStaging,
  defineGroupUnstaging,
  type GroupSize,
  pixelBytes,
  pixelFloats,
  vectorOffsets,
} from './imageGroups.js';
import { emitLanes, emitPositions, laneCount, ScratchLayout } from './lanes.js';
import { emitTransposed } from './movement.js';
import { constant, emitFill, emitLoop, FLOAT, floatAt, minimum, roundUp, shuffleLanes, times } from './spans.js';
import {
  emitTileBlock,
  type TileBlock,
  type TileBlocks,
  tileBlocks,
  tileCount,
  type WinogradShape,
} from './winogradShape.js';
import { emitTransform, emitTransforms, type WinogradMatrices } from './winogradTransforms.js';

/** Room between the matrices of different products, so that they do not fall on the same sets of the cache. */
const FILTER_GAP = 48;
const TILE_GAP = 16;
/**
 * Rows whose filters an item transforms for itself. More would leave the cache before they are multiplied; with fewer the
 * tiles, which every item reads, go through the cache more often.
 */
const MOST_SHARED_TILES_ROWS = 16;
const FEWEST_SHARED_TILES_ROWS = 8;
/** So many tiles are one block. */
const FEW_TILES = 128;

/** How a filter tensor is read: floats from one row and one depth to the next, and whether the window is turned. */
export interface FilterOrder {
  readonly rowStride: number;
  readonly depthStride: number;
  readonly turned: boolean;
}

/** Four windows of nine weights, one in each lane. */
function emitWindows(code: FunctionBuilder, addresses: readonly Local<'i32'>[], turned: boolean): V128[][] {
  const quarter = (offset: number): V128[] =>
    emitTransposed(
      code,
      addresses.map((address) => v128.load(address, offset)),
    );
  const [a, b, c, d] = addresses.map((address) => v128.load32Zero(address, 8 * FLOAT));
  const last = shuffleLanes(shuffleLanes(a, b, [0, 4, 1, 1]), shuffleLanes(c, d, [0, 4, 1, 1]), [0, 1, 4, 5]);
  const weights = [...quarter(0), ...quarter(4 * FLOAT), last].map((weight) => code.local('v128', weight));
  if (turned) weights.reverse();
  return [0, 3, 6].map((first) => weights.slice(first, first + 3));
}

/**
 * Defines `transform filter(filter, target, begin, end)`: panels of four rows of the filter, as [product][panel][depth][4]
 * with a product's matrix `productFloats` behind the one before. Panel `begin` is the first at `target`.
 */
function defineFilterTransform(
  module: ModuleBuilder,
  name: string,
  { matrices, rows, depth }: WinogradShape,
  { rowStride, depthStride, turned }: FilterOrder,
  productFloats: number,
): number {
  const parameters = { filter: 'i32', target: 'i32', begin: 'i32', end: 'i32' } as const;
  return module.function(name, parameters, (code, { filter, target, begin, end }) => {
    const panel = code.local('i32', begin);
    const lanes = [0, 1, 2, 3].map(() => code.local('i32'));
    const row = code.local('i32');
    code.countTo(panel, end, 1, () => {
      lanes.forEach((address, lane) => {
        // Behind the last row its weights are repeated: the products are never looked at.
        code.set(row, i32.add(times(panel, TILE_ROWS), constant(lane)));
        code.set(address, floatAt(filter, [minimum(row, constant(rows - 1)), rowStride]));
      });
      code.repeat(depth, () => {
        emitTransform(code, matrices.filter, emitWindows(code, lanes, turned))
          .flat()
          .forEach((value, product) => {
            code.do(v128.store(floatAt(target, [constant(product), productFloats]), value));
          });
        for (const address of lanes) code.increase(address, depthStride * FLOAT);
        code.increase(target, TILE_ROWS * FLOAT);
      });
    });
  });
}

/** How tiles lie in staged planes: `step` pixels apart, in rows of `columns` pixels. */
export interface Tiling {
  readonly group: GroupSize;
  readonly columns: number;
  readonly step: number;
  readonly tileColumns: number;
}

/**
 * The transform of a tile of all images of a group. The vectors of a pixel go through the same operations, side by side
 * where they can be joined, else one after the other. `store` is told where the first of its values is in the pixel.
 */
function emitGroupTransform(
  code: FunctionBuilder,
  matrix: WinogradMatrices['input'],
  group: GroupSize,
  load: (y: number, x: number, offset: number) => V128,
  store: (y: number, x: number, values: readonly V128[], offset: number) => void,
): void {
  const extents = [...matrix[0].keys()];
  const vectors = vectorOffsets(group);
  for (const offsets of code.options.wide ? [vectors] : vectors.map((offset) => [offset])) {
    const tiles = offsets.map((offset) => extents.map((y) => extents.map((x) => load(y, x, offset))));
    emitTransforms(code, matrix, tiles, (y, rows) => {
      for (const x of rows[0].keys()) {
        store(
          y,
          x,
          rows.map((row) => row[x]),
          offsets[0],
        );
      }
    });
  }
}

/**
 * Defines `transform(staged, target, lines)`: the products' inputs of a channel's tiles of a group of images, for some
 * lines of tiles; a product's follow `productFloats` floats behind the one before.
 */
export function defineTileTransform(
  module: ModuleBuilder,
  name: string,
  matrix: WinogradMatrices['input'],
  { group, columns, step, tileColumns }: Tiling,
  productFloats: number,
): number {
  const products = matrix.length;
  const parameters = { staged: 'i32', target: 'i32', lines: 'i32' } as const;
  return module.function(name, parameters, (code, { staged, target, lines }) => {
    const tile = code.local('i32');
    emitLoop(code, lines, () => {
      code.set(tile, staged);
      code.repeat(tileColumns, () => {
        code.temporaries(() =>
          emitGroupTransform(
            code,
            matrix,
            group,
            (y, x, offset) => v128.load(tile, pixelBytes(group, y * columns + x) + offset),
            (y, x, values, offset) =>
              emitStore(code, target, values, (y * products + x) * productFloats * FLOAT + offset),
          ),
        );
        code.increase(tile, pixelBytes(group, step));
        code.increase(target, pixelBytes(group, 1));
      });
      code.increase(staged, pixelBytes(group, step * columns));
    });
  });
}

/** Writes one vector, or two beside each other. */
const emitStore = (code: FunctionBuilder, address: I32, [low, high]: readonly V128[], offset: number): void =>
  code.do(high ? v128.storePair(address, low, high, offset) : v128.store(address, low, offset));

/** Defines `untransform(products, target)`: a line of tiles as rows of pixels of a group of images. */
function defineOutputTransform(
  module: ModuleBuilder,
  { matrices }: WinogradShape,
  { group, tileColumns }: TileBlocks,
  productFloats: number,
): number {
  const { products: count, outputs, output } = matrices;
  const parameters = { products: 'i32', target: 'i32' } as const;
  return module.function('untransform', parameters, (code, { products, target }) => {
    code.repeat(tileColumns, () => {
      code.temporaries(() =>
        emitGroupTransform(
          code,
          output,
          group,
          (y, x, offset) => v128.load(products, (y * count + x) * productFloats * FLOAT + offset),
          (y, x, values, offset) =>
            emitStore(code, target, values, pixelBytes(group, y * tileColumns * outputs + x) + offset),
        ),
      );
      code.increase(products, pixelBytes(group, 1));
      code.increase(target, pixelBytes(group, outputs));
    });
  });
}

/**
 * With many tiles, the transformed filter is shared and every item transforms its own tiles. Where all tiles are one
 * block, the tiles are shared and every item transforms the filters of a few rows: all filters together would go through
 * memory, as they are several times as large as the filter.
 */
export function winogradCall(
  shape: WinogradShape,
  order: FilterOrder,
  { key, cost }: Pick<ConvolutionShape, 'key' | 'cost'>,
  epilogue: Epilogue | null = null,
): WasmCall {
  const { matrices, batch, rows, depth, inputHeight, inputWidth, outputHeight, outputWidth, pads } = shape;
  const { inputs, outputs, products, step } = matrices;
  const blocks = tileBlocks(shape, tileCount(shape) <= FEW_TILES ? FEW_TILES : undefined);
  const tilesShared = sizeOf(blocks.grid) === 1;
  const rowBlock = tilesShared
    ? Math.min(roundUp(rows, TILE_ROWS), rows < 128 ? FEWEST_SHARED_TILES_ROWS : MOST_SHARED_TILES_ROWS)
    : chooseRowBlock(rows, sizeOf(blocks.grid));
  const grid = [...blocks.grid, Math.ceil(rows / rowBlock)];
  const items = sizeOf(grid);
  const productCount = products * products;
  const panels = Math.ceil(rows / TILE_ROWS);
  const filterFloats = (tilesShared ? rowBlock : panels * TILE_ROWS) * depth + FILTER_GAP;
  const inputFloats = depth * blocks.stride + TILE_GAP;
  const outputFloats = rowBlock * blocks.stride + TILE_GAP;
  const stagedColumns = (blocks.tileColumns - 1) * step + inputs;
  const stagedRows = (blocks.lines - 1) * step + inputs;
  const stagedFloats = pixelFloats(shape.group, stagedRows * stagedColumns);
  const tilesFloats = productCount * inputFloats;
  const filtersFloats = productCount * filterFloats;
  const layout = new ScratchLayout({
    own: tilesShared ? filtersFloats : tilesFloats,
    products: productCount * outputFloats,
    staged: stagedFloats,
    line: pixelFloats(shape.group, outputs * blocks.tileColumns * outputs),
  });
  const sharedBytes = roundUp((tilesShared ? tilesFloats : filtersFloats) * FLOAT, 64);
  const convolveUnits = laneCount(items, layout.bytes);
  const prepareUnits = tilesShared ? laneCount(depth, layout.bytes) : panels;
  const laneUnits = tilesShared ? Math.max(prepareUnits, convolveUnits) : convolveUnits;
  const [inputArea, outputArea] = [inputHeight * inputWidth, outputHeight * outputWidth];
  const call = {
    key: `winograd ${outputs} ${batch} ${key}`,
    phases: [
      {
        name: 'prepare',
        units: prepareUnits,
        cost: productCount * (tilesShared ? depth * blocks.tiles : rows * depth),
      },
      { name: 'convolve', units: convolveUnits, cost },
    ],
    scratchBytes: sharedBytes + laneUnits * layout.bytes,
    build: ((module, options, functionParameters, finish) => {
      const transformFilter = defineFilterTransform(module, 'transform filter', shape, order, filterFloats);
      const inputPlanes = {
        group: shape.group,
        height: inputHeight,
        width: inputWidth,
        imageFloats: depth * inputArea,
        batch,
      };
      const staging = { rows: stagedRows, columns: stagedColumns, pad: pads[1] };
      const stage = defineGroupStaging(module, 'stage', inputPlanes, staging);
      const tiling = { group: shape.group, columns: stagedColumns, step, tileColumns: blocks.tileColumns };
      const transform = defineTileTransform(module, 'transform', matrices.input, tiling, inputFloats);
      const untransform = defineOutputTransform(module, shape, blocks, outputFloats);
      const outputPlanes = {
        group: shape.group,
        height: outputHeight,
        width: outputWidth,
        imageFloats: rows * outputArea,
        batch,
      };
      const unstage = defineGroupUnstaging(module, 'unstage', outputPlanes);
      const gemm = defineGemm(module, 'gemm', {
        options,
        leftStride: null,
        rightStride: blocks.stride,
        outputStride: blocks.stride,
      });
      /** Tiles of a group of images in a block come before those of the next group. */
      const tileOf = (block: TileBlock, group: I32) =>
        times(i32.mul(group, block.lines), blocks.group * blocks.tileColumns);
      /** Transforms a channel's tiles of a block. */
      const emitTiles = (
        code: FunctionBuilder,
        block: TileBlock,
        channel: I32,
        [input, staged, transformed]: readonly I32[],
      ): void =>
        emitLoop(code, block.groups, (group) => {
          const image = code.local('i32', times(i32.add(block.firstGroup, group), shape.group));
          const plane = floatAt(input, [image, depth * inputArea], [channel, inputArea]);
          code.call(stage, plane, staged, i32.sub(times(block.firstLine, step), constant(pads[0])), image);
          const target = floatAt(transformed, [channel, blocks.stride], [tileOf(block, group), 1]);
          code.call(transform, staged, target, block.lines);
        });
      module.function('prepare', functionParameters, (code, parameters) => {
        const { input, filter, scratch, begin, end } = parameters;
        if (!tilesShared) {
          code.call(transformFilter, filter, floatAt(scratch, [begin, TILE_ROWS * depth]), begin, end);
          return;
        }
        const lanes = { ...parameters, scratch: code.local('i32', i32.add(scratch, constant(sharedBytes))) };
        const zero = constant(0);
        const block = emitTileBlock(code, blocks, zero, zero);
        emitLanes(code, lanes, depth, layout.bytes, (base, forItems) => {
          const { staged } = layout.locals(code, base);
          emitFill(code, staged, constant(stagedFloats));
          forItems((channel) => emitTiles(code, block, channel, [input, staged, scratch]));
        });
      });
      module.function('convolve', functionParameters, (code, parameters) => {
        const { input, filter, output, scratch } = parameters;
        const lanes = { ...parameters, scratch: code.local('i32', i32.add(scratch, constant(sharedBytes))) };
        emitLanes(code, lanes, items, layout.bytes, (base, forItems) => {
          const { own, products, staged, line } = layout.locals(code, base);
          if (!tilesShared) emitFill(code, staged, constant(stagedFloats));
          forItems((item) => {
            const [groupIndex, lineIndex, rowIndex] = emitPositions(code, item, grid);
            const block = emitTileBlock(code, blocks, groupIndex, lineIndex);
            const row = code.local('i32', i32.mul(rowIndex, constant(rowBlock)));
            const rowsHere = code.local('i32', minimum(constant(rowBlock), i32.sub(constant(rows), row)));
            const left = code.local('i32', tilesShared ? own : floatAt(scratch, [row, depth]));
            const right = code.local('i32', tilesShared ? scratch : own);
            const product = code.local('i32', products);
            if (tilesShared) {
              const panel = code.local('i32', times(rowIndex, rowBlock / TILE_ROWS));
              const last = code.local('i32', i32.add(panel, constant(rowBlock / TILE_ROWS)));
              code.call(transformFilter, filter, own, panel, minimum(last, constant(panels)));
            } else {
              code.repeat(depth, (channel) => emitTiles(code, block, channel, [input, staged, own]));
            }
            code.repeat(productCount, () => {
              code.call(gemm, left, right, product, rowsHere, block.tiles, constant(depth), constant(1));
              code.increase(left, filterFloats * FLOAT);
              code.increase(right, inputFloats * FLOAT);
              code.increase(product, outputFloats * FLOAT);
            });
            const firstRow = code.local('i32', times(block.firstLine, outputs));
            const rowsLeft = i32.sub(constant(outputHeight), firstRow);
            const pixelRows = minimum(code.local('i32', times(block.lines, outputs)), code.local('i32', rowsLeft));
            const firstImage = code.local('i32', times(block.firstGroup, shape.group));
            const imagesLeft = code.local('i32', i32.sub(constant(batch), firstImage));
            const complete = {
              channels: constant(1),
              image: firstImage,
              images: minimum(code.local('i32', times(block.groups, shape.group)), imagesLeft),
              start: code.local('i32', times(firstRow, outputWidth)),
              pixels: code.local('i32', times(pixelRows, outputWidth)),
            };
            emitLoop(code, rowsHere, (channel) => {
              emitLoop(code, block.groups, (group) => {
                const image = code.local('i32', times(i32.add(block.firstGroup, group), shape.group));
                const plane = floatAt(output, [image, rows * outputArea], [i32.add(row, channel), outputArea]);
                const target = code.local('i32', plane);
                const first = floatAt(products, [channel, blocks.stride], [tileOf(block, group), 1]);
                const tiles = code.local('i32', first);
                const y = code.local('i32', firstRow);
                emitLoop(code, block.lines, () => {
                  code.call(untransform, tiles, line);
                  for (let index = 0; index < outputs; index++) {
                    const pixels = i32.add(
                      line,
                      constant(pixelBytes(shape.group, index * blocks.tileColumns * outputs)),
                    );
                    code.if(i32.ltS(y, constant(outputHeight)), () => code.call(unstage, pixels, target, y, image));
                    code.increase(y, 1);
                  }
                  code.increase(tiles, pixelBytes(shape.group, blocks.tileColumns));
                });
              });
              finish(code, parameters, { ...complete, channel: code.local('i32', i32.add(row, channel)) });
            });
          });
        });
      });
    }) satisfies BuildConvolution,
  };
  return callWithEpilogue(call, epilogue);
}
