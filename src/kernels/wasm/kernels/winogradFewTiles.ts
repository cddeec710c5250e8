/**
 * The gradient of a 3 x 3 filter by Winograd's algorithm where all tiles together are few, as where many channels meet
 * small images. The tiles of all channels are transformed once, into shared memory; then every item multiplies those of
 * some input channels with those of some output channels and makes weights of the products at once: the products'
 * gradients of all channels, several times as large as the filter, never exist together.
 */
import { i32 } from '../assembler/instructions.js';
import { kernelParameters, sizeOf, type WasmCall } from '../kernel.js';
import { defineGemm, paddedStride, TILE_COLUMNS } from './gemm.js';
import { defineGroupStaging, pixelFloats } from './imageGroups.js';
import { emitLanes, emitPositions, laneCount, ScratchLayout } from './lanes.js';
import { defineTranspose } from './movement.js';
import { constant, emitFill, evenBlock, FLOAT, floatAt, minimum, roundUp, times } from './spans.js';
import { defineTileTransform } from './winograd.js';
import { tileCount, type WinogradShape } from './winogradShape.js';
import { transposed } from './winogradTransforms.js';
import { defineWeights } from './winogradWeights.js';

const PARAMETERS = kernelParameters(['input', 'gradient', 'output', 'scratch']);

/** Bytes that the transformed tiles of all channels may take. */
const TILES_LIMIT = 3 * 2 ** 22;
/** Channels of a block of either side: the products' gradients of two blocks stay in the second-level cache. */
const INPUT_BLOCK = 32;
const OUTPUT_BLOCK = 64;
/** Output channels that are transformed together: a line of the cache when they are transposed. */
const GROUP = 16;
/** Room between the matrices of different products, in floats. */
const GAP = 16;

/** Sizes of the transformed tiles: [product][input channel][tile] and [product][tile][output channel]. */
function tilesLayout(shape: WinogradShape) {
  const tiles = tileCount(shape);
  const stride = paddedStride(tiles);
  const rightStride = paddedStride(roundUp(shape.rows, TILE_COLUMNS));
  const products = shape.matrices.products ** 2;
  const [leftFloats, rightFloats] = [shape.depth * stride + GAP, tiles * rightStride + GAP];
  const [leftBytes, rightBytes] = [leftFloats, rightFloats].map((floats) => roundUp(products * floats * FLOAT, 64));
  return { tiles, stride, rightStride, products, leftFloats, rightFloats, leftBytes, rightBytes };
}

/** Whether the tiles are few enough; with few channels the sums are small, and nothing is gained. */
export function fewTiles(shape: WinogradShape): boolean {
  const { leftBytes, rightBytes } = tilesLayout(shape);
  return leftBytes + rightBytes <= TILES_LIMIT && shape.depth >= INPUT_BLOCK && shape.rows >= OUTPUT_BLOCK;
}

export function fewTilesFilterGradientCall(shape: WinogradShape, key: string, cost: number): WasmCall {
  const { matrices, batch, rows: outputs, depth: inputs, pads } = shape;
  const { inputHeight, inputWidth, outputHeight, outputWidth } = shape;
  const { tiles, stride, rightStride, products, leftFloats, rightFloats, leftBytes, rightBytes } = tilesLayout(shape);
  const [tileRows, tileColumns] = [outputHeight, outputWidth].map((extent) => Math.ceil(extent / matrices.outputs));
  const [lineRows, lineColumns] = [tileRows * matrices.outputs, tileColumns * matrices.outputs];
  const imageGroups = Math.ceil(batch / shape.group);
  const groupTiles = shape.group * tileRows * tileColumns;
  const groups = Math.ceil(outputs / GROUP);
  const groupFloats = GROUP * stride + GAP;
  const staging = {
    rows: (tileRows - 1) * matrices.step + matrices.inputs,
    columns: (tileColumns - 1) * matrices.step + matrices.inputs,
    pad: pads[1],
  };
  const stagedFloats = pixelFloats(shape.group, staging.rows * staging.columns);
  const stagedGradientFloats = pixelFloats(shape.group, lineRows * lineColumns);
  const transformItems = inputs + groups;
  const transformLayout = new ScratchLayout({
    staged: stagedFloats,
    stagedGradient: stagedGradientFloats,
    group: products * groupFloats,
  });
  const inputBlock = evenBlock(inputs, INPUT_BLOCK, 4);
  const outputBlock = evenBlock(outputs, OUTPUT_BLOCK, TILE_COLUMNS);
  const grid = [Math.ceil(inputs / inputBlock), Math.ceil(outputs / outputBlock)];
  const items = sizeOf(grid);
  const sumsFloats = inputBlock * outputBlock + GAP;
  const multiplyLayout = new ScratchLayout({ sums: products * sumsFloats });
  const laneBytes = Math.max(transformLayout.bytes, multiplyLayout.bytes);
  const lanesOffset = leftBytes + rightBytes;
  const [inputArea, outputArea] = [inputHeight * inputWidth, outputHeight * outputWidth];
  const transformUnits = laneCount(transformItems, laneBytes);
  const multiplyUnits = laneCount(items, laneBytes);
  return {
    key: `winograd filter gradient, few tiles ${matrices.outputs} ${batch} ${key}`,
    phases: [
      { name: 'transform tiles', units: transformUnits, cost: products * tiles * (inputs + outputs) },
      { name: 'multiply', units: multiplyUnits, cost },
    ],
    scratchBytes: lanesOffset + Math.max(transformUnits, multiplyUnits) * laneBytes,
    build(module, options) {
      const inputPlanes = {
        group: shape.group,
        height: inputHeight,
        width: inputWidth,
        imageFloats: inputs * inputArea,
        batch,
      };
      const gradientPlanes = {
        group: shape.group,
        height: outputHeight,
        width: outputWidth,
        imageFloats: outputs * outputArea,
        batch,
      };
      const stage = defineGroupStaging(module, 'stage', inputPlanes, staging);
      const gradientStaging = { rows: lineRows, columns: lineColumns, pad: 0 };
      const stageGradient = defineGroupStaging(module, 'stage gradient', gradientPlanes, gradientStaging, 'zero');
      const tilingOf = (step: number, columns: number) => ({ group: shape.group, tileColumns, step, columns });
      const transform = defineTileTransform(
        module,
        'transform',
        matrices.input,
        tilingOf(matrices.step, staging.columns),
        leftFloats,
      );
      const transformGradient = defineTileTransform(
        module,
        'transform gradient',
        transposed(matrices.output),
        tilingOf(matrices.outputs, lineColumns),
        groupFloats,
      );
      const pack = defineTranspose(module, 'pack', stride, rightStride);
      const gemm = defineGemm(module, 'gemm', { options, leftStride: stride, rightStride, outputStride: outputBlock });
      const write = defineWeights(module, matrices, { sumsFloats, inputs, outputs });
      module.function('transform tiles', PARAMETERS, (code, parameters) => {
        const { input, gradient, scratch } = parameters;
        const lanes = { ...parameters, scratch: code.local('i32', i32.add(scratch, constant(lanesOffset))) };
        const right = code.local('i32', i32.add(scratch, constant(leftBytes)));
        emitLanes(code, lanes, transformItems, laneBytes, (base, forItems) => {
          const { staged, stagedGradient, group } = transformLayout.locals(code, base);
          emitFill(code, staged, constant(stagedFloats));
          emitFill(code, stagedGradient, constant(stagedGradientFloats));
          forItems((item) =>
            code.if(
              i32.ltS(item, constant(inputs)),
              () =>
                code.repeat(imageGroups, (images) => {
                  const plane = floatAt(input, [images, shape.group * inputs * inputArea], [item, inputArea]);
                  code.call(stage, plane, staged, constant(-pads[0]), times(images, shape.group));
                  const target = floatAt(scratch, [item, stride], [images, groupTiles]);
                  code.call(transform, staged, target, constant(tileRows));
                }),
              () => {
                const first = code.local('i32', times(i32.sub(item, constant(inputs)), GROUP));
                const rest = code.local('i32', i32.sub(constant(outputs), first));
                const here = code.local('i32', minimum(constant(GROUP), rest));
                const channel = code.local('i32', constant(0));
                code.countTo(channel, here, 1, () =>
                  code.repeat(imageGroups, (images) => {
                    const output = i32.add(first, channel);
                    const plane = floatAt(gradient, [images, shape.group * outputs * outputArea], [output, outputArea]);
                    code.call(stageGradient, plane, stagedGradient, constant(0), times(images, shape.group));
                    const target = floatAt(group, [channel, stride], [images, groupTiles]);
                    code.call(transformGradient, stagedGradient, target, constant(tileRows));
                  }),
                );
                const from = code.local('i32', group);
                const to = code.local('i32', floatAt(right, [first, 1]));
                code.repeat(products, () => {
                  code.call(pack, from, to, here, constant(tiles));
                  code.increase(from, groupFloats * FLOAT);
                  code.increase(to, rightFloats * FLOAT);
                });
              },
            ),
          );
        });
      });
      module.function('multiply', PARAMETERS, (code, parameters) => {
        const { output, scratch } = parameters;
        const lanes = { ...parameters, scratch: code.local('i32', i32.add(scratch, constant(lanesOffset))) };
        emitLanes(code, lanes, items, laneBytes, (base, forItems) => {
          const { sums } = multiplyLayout.locals(code, base);
          forItems((item) => {
            const [inputIndex, outputIndex] = emitPositions(code, item, grid);
            const [channel, row] = [times(inputIndex, inputBlock), times(outputIndex, outputBlock)].map((first) =>
              code.local('i32', first),
            );
            const [channelsLeft, rowsLeft] = [i32.sub(constant(inputs), channel), i32.sub(constant(outputs), row)].map(
              (left) => code.local('i32', left),
            );
            const channels = code.local('i32', minimum(constant(inputBlock), channelsLeft));
            const rows = code.local('i32', minimum(constant(outputBlock), rowsLeft));
            const left = code.local('i32', floatAt(scratch, [channel, stride]));
            const right = code.local('i32', i32.add(floatAt(scratch, [row, 1]), constant(leftBytes)));
            const target = code.local('i32', sums);
            code.repeat(products, () => {
              code.call(gemm, left, right, target, channels, rows, constant(tiles), constant(1));
              code.increase(left, leftFloats * FLOAT);
              code.increase(right, rightFloats * FLOAT);
              code.increase(target, sumsFloats * FLOAT);
            });
            const place = code.local('i32', sums);
            const weights = code.local('i32', floatAt(output, [row, inputs * 9], [channel, 9]));
            const index = code.local('i32', constant(0));
            code.countTo(index, channels, 1, () => {
              code.call(write, place, weights, rows);
              code.increase(place, outputBlock * FLOAT);
              code.increase(weights, 9 * FLOAT);
            });
          });
        });
      });
    },
  };
}
