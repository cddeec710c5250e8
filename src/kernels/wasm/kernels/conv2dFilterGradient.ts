/**
 * The gradient of a convolution's filter: dw^T = columns g^T, summed over all pixels. The pixels are divided among a fixed
 * number of parts with sums of their own, which are then added in order.
 */
import { f32x4, i32, v128 } from '../assembler/instructions.js';
import { kernelParameters, sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { defineColumns } from './columns.js';
import { allFloat32 } from './conv2d.js';
import { type ConvolutionShape, convolutionShape, emitPixelBlock, pixelAt, pixelBlocks } from './convolutionShape.js';
import { isDepthwise } from './depthwise.js';
import { depthwiseFilterGradientCall } from './depthwiseFilterGradient.js';
import { DEPTH_BLOCK, defineGemm, paddedStride, TILE_COLUMNS, TILE_ROWS } from './gemm.js';
import { emitLanes, emitPositions, laneCount, ScratchLayout, zerosCall } from './lanes.js';
import { defineCopy, defineTranspose } from './movement.js';
import { constant, emitFill, emitLoop, evenBlock, FLOAT, floatAt, minimum, roundUp, times } from './spans.js';
import { defineStaging, stagedPlane, stagingFor } from './staging.js';
import { winogradFilterGradientCall } from './winogradFilterGradient.js';
import { winogradShape } from './winogradShape.js';

const PARAMETERS = kernelParameters(['input', 'gradient', 'output', 'scratch']);

/** Bytes that the sums of all parts may take. */
const SUMS_LIMIT = 2 ** 23;
/** Items that keep the threads busy. */
const ENOUGH_ITEMS = 16;

function filterGradientCall(shape: ConvolutionShape): WasmCall {
  const { groups, inputChannels, outputChannels, taps, pointwise, height, width } = shape;
  const blocks = pixelBlocks(shape);
  const channelBlock = evenBlock(inputChannels, Math.max(1, Math.floor(DEPTH_BLOCK / taps)), 1);
  const channelBlocks = Math.ceil(inputChannels / channelBlock);
  const sumsStride = roundUp(outputChannels, TILE_COLUMNS);
  const sumsFloats = roundUp(channelBlock * taps, TILE_ROWS) * sumsStride;
  const partFloats = groups * channelBlocks * sumsFloats;
  const pixelBlockCount = sizeOf(blocks.grid);
  const wanted = Math.min(Math.ceil(ENOUGH_ITEMS / (groups * channelBlocks)), SUMS_LIMIT / (FLOAT * partFloats));
  const parts = Math.max(1, Math.min(Math.floor(wanted), pixelBlockCount));
  const grid = [parts, groups, channelBlocks];
  const items = sizeOf(grid);
  const columnStride = paddedStride(blocks.columns);
  const gradientStride = paddedStride(sumsStride);
  const [inputArea, outputArea] = [height * width, shape.outputHeight * shape.outputWidth];
  const staging = stagingFor(shape, blocks.lines);
  const stagedFloats = pointwise ? 0 : blocks.images * channelBlock * stagedPlane(staging);
  const layout = new ScratchLayout({
    columns: roundUp(channelBlock * taps, TILE_ROWS) * columnStride,
    right: blocks.columns * gradientStride,
    staged: stagedFloats,
  });
  const sumsBytes = roundUp(parts * partFloats * FLOAT, 64);
  const units = groups * channelBlocks;
  return {
    key: `convolution filter gradient ${shape.key}`,
    phases: [
      { name: 'accumulate', units: laneCount(items, layout.bytes), cost: shape.cost },
      { name: 'add parts', units, cost: (parts + 1) * partFloats },
    ],
    scratchBytes: sumsBytes + laneCount(items, layout.bytes) * layout.bytes,
    build(module, options) {
      const packPixels = defineCopy(module, 'pack pixels', inputArea, columnStride);
      const packGradient = defineTranspose(module, 'pack gradient', outputArea, gradientStride);
      const stage = pointwise ? 0 : defineStaging(module, 'stage', staging);
      const gather = pointwise
        ? 0
        : defineColumns(module, 'gather', { shape, staging, channels: channelBlock, stride: columnStride }, 'gather');
      const gemm = defineGemm(module, 'gemm', {
        options,
        leftStride: columnStride,
        rightStride: gradientStride,
        outputStride: sumsStride,
      });
      module.function('accumulate', PARAMETERS, (code, parameters) => {
        const { input, gradient, scratch } = parameters;
        const lanes = { ...parameters, scratch: code.local('i32', i32.add(scratch, constant(sumsBytes))) };
        emitLanes(code, lanes, items, layout.bytes, (base, forItems) => {
          const { columns, right, staged } = layout.locals(code, base);
          if (!pointwise) emitFill(code, staged, constant(stagedFloats));
          forItems((item) => {
            const [part, group, channelIndex] = emitPositions(code, item, grid);
            const sums = code.local('i32', floatAt(scratch, [item, sumsFloats]));
            const channel = i32.mul(channelIndex, constant(channelBlock));
            const rest = code.local('i32', i32.sub(constant(inputChannels), channel));
            const here = code.local('i32', minimum(constant(channelBlock), rest));
            const inputChannel = code.local('i32', i32.add(times(group, inputChannels), channel));
            const outputChannel = code.local('i32', times(group, outputChannels));
            const share = (index: typeof part) => i32.divU(times(index, pixelBlockCount), constant(parts));
            const first = code.local('i32', share(part));
            const index = code.local('i32', first);
            code.countTo(index, code.local('i32', share(i32.add(part, constant(1)))), 1, () => {
              const [imageIndex, lineIndex] = emitPositions(code, index, blocks.grid);
              const block = emitPixelBlock(code, blocks, imageIndex, lineIndex);
              emitLoop(code, block.images, (image) => {
                const pixel = code.local('i32', i32.mul(image, block.count));
                const from = pixelAt(gradient, block, image, outputChannel, [groups * outputChannels, outputArea]);
                const target = floatAt(right, [pixel, gradientStride]);
                code.call(packGradient, from, target, constant(outputChannels), block.count);
                if (pointwise) {
                  const pixels = pixelAt(input, block, image, inputChannel, [groups * inputChannels, inputArea]);
                  code.call(packPixels, pixels, floatAt(columns, [pixel, 1]), here, block.count);
                } else {
                  const imageFloats = groups * inputChannels * inputArea;
                  const planes = floatAt(input, [i32.add(block.firstImage, image), imageFloats]);
                  const firstRow = i32.sub(times(block.firstLine, shape.strides[0]), constant(shape.pads[0]));
                  const place = floatAt(staged, [image, channelBlock * stagedPlane(staging)]);
                  code.call(stage, floatAt(planes, [inputChannel, inputArea]), place, firstRow, here);
                }
              });
              if (!pointwise) code.call(gather, staged, columns, here, block.images, block.lines);
              const rows = times(here, taps);
              const isFirst = i32.eq(index, first);
              code.call(gemm, columns, right, sums, rows, constant(outputChannels), block.columns, isFirst);
            });
          });
        });
      });
      const unpack = defineTranspose(module, 'unpack', sumsStride, inputChannels * taps);
      module.function('add parts', PARAMETERS, (code, { output, scratch, begin, end }) => {
        const unit = code.local('i32', begin);
        const sums = code.local('i32');
        code.countTo(unit, end, 1, () => {
          code.set(sums, floatAt(scratch, [unit, sumsFloats]));
          if (parts > 1) {
            const values = Array.from({ length: parts }, (_, part) => part * partFloats * FLOAT);
            const place = code.local('i32', sums);
            code.repeat(sumsFloats / 4, () => {
              const [first, ...others] = values.map((offset) => v128.load(place, offset));
              code.do(
                v128.store(
                  place,
                  others.reduce((sum, value) => f32x4.add(sum, value), first),
                ),
              );
              code.increase(place, 16);
            });
          }
          const [group, channelIndex] = emitPositions(code, unit, [groups, channelBlocks]);
          const channel = code.local('i32', i32.mul(channelIndex, constant(channelBlock)));
          const rest = i32.sub(constant(inputChannels), channel);
          const here = code.local('i32', minimum(constant(channelBlock), rest));
          const filterFloats = outputChannels * inputChannels * taps;
          const target = floatAt(output, [group, filterFloats], [channel, taps]);
          code.call(unpack, sums, target, times(here, taps), constant(outputChannels));
        });
      });
    },
  };
}

export const conv2dFilterGradient: WasmKernel<'conv2dFilterGradient'> = ([x, g], attributes, [dw]) => {
  if (!allFloat32([x, g, dw])) return null;
  if (sizeOf(x.shape) === 0 || sizeOf(g.shape) === 0 || sizeOf(dw.shape) === 0) return zerosCall(2, dw);
  const shape = convolutionShape(x.shape, dw.shape, g.shape, attributes);
  if (isDepthwise(shape)) return depthwiseFilterGradientCall(shape);
  const winograd = winogradShape(shape);
  const call = winograd && winogradFilterGradientCall(winograd, shape.key, shape.cost);
  return call ?? filterGradientCall(shape);
};
