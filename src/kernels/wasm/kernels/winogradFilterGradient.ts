/**
 * The gradient of a 3 x 3 filter by Winograd's algorithm: the transpose of the convolution. With V and Z the transformed
 * tiles of the input and of the output's gradient, the products' gradients are V Z^T, summed over all tiles, and are
 * transformed back to weights once. The tiles are divided among parts with sums of their own, which are added in order.
 */
import { f32x4, i32, v128 } from '../assembler/instructions.js';
import { kernelParameters, sizeOf, type WasmCall } from '../kernel.js';
import { defineGemm, paddedStride, TILE_COLUMNS, TILE_ROWS } from './gemm.js';
import { defineGroupStaging, pixelFloats } from './imageGroups.js';
import { emitLanes, emitPositions, laneCount, ScratchLayout } from './lanes.js';
import { defineTranspose } from './movement.js';
import { constant, emitFill, emitLoop, evenBlock, FLOAT, floatAt, minimum, roundUp, times } from './spans.js';
import { defineTileTransform } from './winograd.js';
import { fewTiles, fewTilesFilterGradientCall } from './winogradFewTiles.js';
import { emitTileBlock, tileBlocks, type WinogradShape } from './winogradShape.js';
import { F4_STRIDE_2, transposed } from './winogradTransforms.js';
import { defineWeights } from './winogradWeights.js';

const PARAMETERS = kernelParameters(['input', 'gradient', 'output', 'scratch']);

/** Bytes that the sums of all parts may take. */
const SUMS_LIMIT = 2 ** 23;
const MOST_PARTS = 16;
/** Items that keep the threads busy. */
const ENOUGH_ITEMS = 8;
/** Room between the matrices of different products, in floats. */
const GAP = 16;

/** Null where the matrix product is better: with stride 2 the output's gradient becomes five times as large. */
export function winogradFilterGradientCall(shape: WinogradShape, key: string, cost: number): WasmCall | null {
  if (fewTiles(shape)) return fewTilesFilterGradientCall(shape, key, cost);
  if (shape.matrices === F4_STRIDE_2) return null;
  const { matrices, batch, group, rows: outputs, depth: inputs, pads } = shape;
  const { inputHeight, inputWidth, outputHeight, outputWidth } = shape;
  const blocks = tileBlocks(shape);
  const blockCount = sizeOf(blocks.grid);
  const productCount = matrices.products ** 2;
  const sumsStride = roundUp(outputs, TILE_COLUMNS);
  const partsThatFit = Math.floor(SUMS_LIMIT / (productCount * inputs * sumsStride * FLOAT));
  const parts = Math.max(1, Math.min(partsThatFit, blockCount, MOST_PARTS));
  const channelsForItems = Math.max(16, Math.floor((inputs * parts) / ENOUGH_ITEMS));
  const channelBlock = evenBlock(inputs, Math.min(64, channelsForItems), TILE_ROWS);
  const channelBlocks = Math.ceil(inputs / channelBlock);
  const grid = [parts, channelBlocks];
  const items = sizeOf(grid);
  const sumsFloats = channelBlock * sumsStride + GAP;
  const itemFloats = productCount * sumsFloats;
  const inputFloats = channelBlock * blocks.stride + GAP;
  const gradientFloats = outputs * blocks.stride + GAP;
  const rightStride = paddedStride(sumsStride);
  const lineColumns = blocks.tileColumns * matrices.outputs;
  const lineRows = blocks.lines * matrices.outputs;
  const staging = {
    rows: (blocks.lines - 1) * matrices.step + matrices.inputs,
    columns: (blocks.tileColumns - 1) * matrices.step + matrices.inputs,
    pad: pads[1],
  };
  const stagedFloats = pixelFloats(group, staging.rows * staging.columns);
  const stagedGradientFloats = pixelFloats(group, lineRows * lineColumns);
  const layout = new ScratchLayout({
    transformed: productCount * inputFloats,
    transformedGradient: productCount * gradientFloats,
    right: blocks.tiles * rightStride,
    staged: stagedFloats,
    stagedGradient: stagedGradientFloats,
  });
  const sumsBytes = roundUp(items * itemFloats * FLOAT, 64);
  const [inputArea, outputArea] = [inputHeight * inputWidth, outputHeight * outputWidth];
  return {
    key: `winograd filter gradient ${matrices.outputs} ${batch} ${key}`,
    phases: [
      { name: 'accumulate', units: laneCount(items, layout.bytes), cost },
      { name: 'transform sums', units: inputs, cost: inputs * outputs * productCount * parts },
    ],
    scratchBytes: sumsBytes + laneCount(items, layout.bytes) * layout.bytes,
    build(module, options) {
      const inputPlanes = { group, height: inputHeight, width: inputWidth, imageFloats: inputs * inputArea, batch };
      const gradientPlanes = {
        group,
        height: outputHeight,
        width: outputWidth,
        imageFloats: outputs * outputArea,
        batch,
      };
      const stage = defineGroupStaging(module, 'stage', inputPlanes, staging);
      const gradientStaging = { rows: lineRows, columns: lineColumns, pad: 0 };
      const stageGradient = defineGroupStaging(module, 'stage gradient', gradientPlanes, gradientStaging, 'zero');
      const tiling = { group, tileColumns: blocks.tileColumns };
      const transform = defineTileTransform(
        module,
        'transform',
        matrices.input,
        { ...tiling, step: matrices.step, columns: staging.columns },
        inputFloats,
      );
      const transformGradient = defineTileTransform(
        module,
        'transform gradient',
        transposed(matrices.output),
        { ...tiling, step: matrices.outputs, columns: lineColumns },
        gradientFloats,
      );
      const pack = defineTranspose(module, 'pack', blocks.stride, rightStride);
      const gemm = defineGemm(module, 'gemm', {
        options,
        leftStride: blocks.stride,
        rightStride,
        outputStride: sumsStride,
      });
      module.function('accumulate', PARAMETERS, (code, parameters) => {
        const { input, gradient, scratch } = parameters;
        const lanes = { ...parameters, scratch: code.local('i32', i32.add(scratch, constant(sumsBytes))) };
        emitLanes(code, lanes, items, layout.bytes, (base, forItems) => {
          const { transformed, transformedGradient, right, staged, stagedGradient } = layout.locals(code, base);
          emitFill(code, staged, constant(stagedFloats));
          emitFill(code, stagedGradient, constant(stagedGradientFloats));
          forItems((item) => {
            const [part, channelIndex] = emitPositions(code, item, grid);
            const channel = code.local('i32', times(channelIndex, channelBlock));
            const rest = code.local('i32', i32.sub(constant(inputs), channel));
            const here = code.local('i32', minimum(constant(channelBlock), rest));
            const share = (index: typeof part) => i32.divU(times(index, blockCount), constant(parts));
            const first = code.local('i32', share(part));
            const index = code.local('i32', first);
            code.countTo(index, code.local('i32', share(i32.add(part, constant(1)))), 1, () => {
              const [groupIndex, lineIndex] = emitPositions(code, index, blocks.grid);
              const block = emitTileBlock(code, blocks, groupIndex, lineIndex);
              const line = code.local('i32', times(block.firstLine, matrices.outputs));
              const inputRow = i32.sub(times(block.firstLine, matrices.step), constant(pads[0]));
              const inputLine = code.local('i32', inputRow);
              emitLoop(code, block.groups, (position) => {
                const image = code.local('i32', times(i32.add(block.firstGroup, position), group));
                const tile = code.local('i32', times(i32.mul(position, block.lines), group * blocks.tileColumns));
                code.repeat(outputs, (outputChannel) => {
                  const plane = floatAt(gradient, [image, outputs * outputArea], [outputChannel, outputArea]);
                  code.call(stageGradient, plane, stagedGradient, line, image);
                  const target = floatAt(transformedGradient, [outputChannel, blocks.stride], [tile, 1]);
                  code.call(transformGradient, stagedGradient, target, block.lines);
                });
                emitLoop(code, here, (row) => {
                  const inputChannel = i32.add(channel, row);
                  const plane = floatAt(input, [image, inputs * inputArea], [inputChannel, inputArea]);
                  code.call(stage, plane, staged, inputLine, image);
                  const target = floatAt(transformed, [row, blocks.stride], [tile, 1]);
                  code.call(transform, staged, target, block.lines);
                });
              });
              const left = code.local('i32', transformed);
              const source = code.local('i32', transformedGradient);
              const sums = code.local('i32', floatAt(scratch, [item, itemFloats]));
              code.repeat(productCount, () => {
                code.call(pack, source, right, constant(outputs), block.tiles);
                const isFirst = i32.eq(index, first);
                code.call(gemm, left, right, sums, here, constant(outputs), block.tiles, isFirst);
                code.increase(left, inputFloats * FLOAT);
                code.increase(source, gradientFloats * FLOAT);
                code.increase(sums, sumsFloats * FLOAT);
              });
            });
          });
        });
      });
      const write = defineWeights(module, matrices, { sumsFloats, inputs, outputs });
      module.function('transform sums', PARAMETERS, (code, { output, scratch, begin, end }) => {
        const channel = code.local('i32', begin);
        const row = code.local('i32');
        const place = code.local('i32');
        code.countTo(channel, end, 1, () => {
          const item = i32.divU(channel, constant(channelBlock));
          const rowInBlock = i32.remU(channel, constant(channelBlock));
          code.set(row, floatAt(scratch, [item, itemFloats], [rowInBlock, sumsStride]));
          if (parts > 1) {
            const partFloats = channelBlocks * itemFloats;
            code.set(place, row);
            code.repeat(productCount, () => {
              code.repeat(
                sumsStride * FLOAT,
                (offset) => {
                  const address = code.local('i32', i32.add(place, offset));
                  const values = Array.from({ length: parts }, (_, part) =>
                    v128.load(address, part * partFloats * FLOAT),
                  );
                  const [first, ...others] = values;
                  code.do(
                    v128.store(
                      address,
                      others.reduce((sum, value) => f32x4.add(sum, value), first),
                    ),
                  );
                },
                16,
              );
              code.increase(place, sumsFloats * FLOAT);
            });
          }
          code.call(write, row, floatAt(output, [channel, 9]), constant(outputs));
        });
      });
    },
  };
}
