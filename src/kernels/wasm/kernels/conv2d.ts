/**
 * Convolution as a matrix product: y = w columns, where the columns hold what each output pixel sees. Blocks of channels
 * and pixels are staged, gathered and multiplied while they are in the caches; the whole matrix never exists.
 */
import type { Conv2dAttributes, TensorType } from '../../contract.js';
import { i32 } from '../assembler/instructions.js';
import { sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { defineColumns } from './columns.js';
import { type ConvolutionShape, convolutionShape, emitPixelBlock, pixelAt, pixelBlocks } from './convolutionShape.js';
import { depthwiseCall, isDepthwise } from './depthwise.js';
import { type BuildConvolution, callWithEpilogue, type Epilogue } from './epilogue.js';
import { chooseRowBlock, DEPTH_BLOCK, defineGemm, paddedStride, panelFloats, TILE_ROWS } from './gemm.js';
import { emitLanes, emitPositions, laneCount, ScratchLayout, zerosCall } from './lanes.js';
import { defineCopy, definePanelPacking } from './movement.js';
import {
  constant,
  emitBlocks,
  emitFill,
  emitLoop,
  evenBlock,
  FLOAT,
  floatAt,
  minimum,
  roundUp,
  times,
} from './spans.js';
import { defineStaging, stagedPlane, stagingFor } from './staging.js';
import { winogradCall } from './winograd.js';
import { winogradShape } from './winogradShape.js';

/**
 * `output` [N, groups * rows, ..] = filter x `input` [N, groups * depth channels, ..]. With `transposed` the filter is
 * [depth, rows] within a group, which makes a pointwise convolution its own data gradient.
 */
export function convolutionCall(
  shape: ConvolutionShape,
  transposed: boolean,
  epilogue: Epilogue | null = null,
): WasmCall {
  const { batch, groups, taps, pointwise } = shape;
  const [rows, channels] = transposed
    ? [shape.inputChannels, shape.outputChannels]
    : [shape.outputChannels, shape.inputChannels];
  const blocks = pixelBlocks(shape);
  const rowBlock = chooseRowBlock(rows, groups * sizeOf(blocks.grid));
  const channelBlock = evenBlock(channels, Math.max(1, Math.floor(DEPTH_BLOCK / taps)), 1);
  const grid = [groups, ...blocks.grid, Math.ceil(rows / rowBlock)];
  const items = sizeOf(grid);
  const stride = paddedStride(blocks.columns);
  const inputArea = shape.height * shape.width;
  const outputArea = shape.outputHeight * shape.outputWidth;
  const direct = blocks.regular && rows % rowBlock === 0;
  const staging = stagingFor(shape, blocks.lines);
  const stagedFloats = pointwise ? 0 : blocks.images * channelBlock * stagedPlane(staging);
  const layout = new ScratchLayout({
    left: panelFloats(rowBlock, channelBlock * taps),
    right: channelBlock * taps * stride,
    product: direct ? 0 : roundUp(rowBlock, TILE_ROWS) * stride,
    staged: stagedFloats,
  });
  const call = {
    key: `convolution ${transposed} ${batch} ${shape.key}`,
    phases: [{ name: 'convolve', units: laneCount(items, layout.bytes), cost: shape.cost }],
    scratchBytes: laneCount(items, layout.bytes) * layout.bytes,
    build: ((module, options, functionParameters, finish) => {
      const packLeft = definePanelPacking(module, 'pack filter', {
        sourceStride: transposed ? rows : channels * taps,
        transposed,
        height: TILE_ROWS,
      });
      const packPixels = defineCopy(module, 'pack pixels', inputArea, stride);
      const stage = pointwise ? 0 : defineStaging(module, 'stage', staging);
      const gather = pointwise
        ? 0
        : defineColumns(module, 'gather', { shape, staging, channels: channelBlock, stride }, 'gather');
      const outputStride = direct ? outputArea : stride;
      const gemm = defineGemm(module, 'gemm', { options, leftStride: null, rightStride: stride, outputStride });
      const copyOut = defineCopy(module, 'copy out', stride, outputArea);
      module.function('convolve', functionParameters, (code, parameters) => {
        const { input, filter, output } = parameters;
        emitLanes(code, parameters, items, layout.bytes, (base, forItems) => {
          const { left, right, product, staged } = layout.locals(code, base);
          if (!pointwise) emitFill(code, staged, constant(stagedFloats));
          forItems((item) => {
            const [group, imageIndex, lineIndex, rowIndex] = emitPositions(code, item, grid);
            const block = emitPixelBlock(code, blocks, imageIndex, lineIndex);
            const row = code.local('i32', i32.mul(rowIndex, constant(rowBlock)));
            const rowsHere = code.local('i32', minimum(constant(rowBlock), i32.sub(constant(rows), row)));
            const outputChannel = code.local('i32', i32.add(times(group, rows), row));
            const outputPixel = (image: typeof row) =>
              pixelAt(output, block, image, outputChannel, [groups * rows, outputArea]);
            const target = direct ? code.local('i32', outputPixel(code.local('i32', constant(0)))) : product;
            emitBlocks(code, channels, channelBlock, (channel, here) => {
              const depth = code.local('i32', times(here, taps));
              const strides = transposed ? [1, rows] : [channels * taps, taps];
              const groupFilter = floatAt(filter, [group, rows * channels * taps]);
              const leftBlock = floatAt(groupFilter, [row, strides[0]], [channel, strides[1]]);
              code.call(packLeft, leftBlock, left, rowsHere, depth);
              const inputChannel = code.local('i32', i32.add(times(group, channels), channel));
              emitLoop(code, block.images, (image) => {
                if (pointwise) {
                  const pixels = pixelAt(input, block, image, inputChannel, [groups * channels, inputArea]);
                  code.call(packPixels, pixels, floatAt(right, [i32.mul(image, block.count), 1]), here, block.count);
                } else {
                  const plane = floatAt(
                    input,
                    [i32.add(block.firstImage, image), groups * channels * inputArea],
                    [inputChannel, inputArea],
                  );
                  const firstRow = i32.sub(times(block.firstLine, shape.strides[0]), constant(shape.pads[0]));
                  const target = floatAt(staged, [image, channelBlock * stagedPlane(staging)]);
                  code.call(stage, plane, target, firstRow, here);
                }
              });
              if (!pointwise) code.call(gather, staged, right, here, block.images, block.lines);
              code.call(gemm, left, right, target, rowsHere, block.columns, depth, i32.eqz(channel));
            });
            if (!direct) {
              emitLoop(code, block.images, (image) =>
                code.call(
                  copyOut,
                  i32.add(product, times(i32.mul(image, block.count), FLOAT)),
                  outputPixel(image),
                  rowsHere,
                  block.count,
                ),
              );
            }
            finish(code, parameters, {
              channel: outputChannel,
              channels: rowsHere,
              image: block.firstImage,
              images: block.images,
              start: block.start,
              pixels: block.count,
            });
          });
        });
      });
    }) satisfies BuildConvolution,
  };
  return callWithEpilogue(call, epilogue);
}

/** Whether all tensors are float32. */
export const allFloat32 = (types: readonly TensorType[]): boolean => types.every(({ dtype }) => dtype === 'float32');

/** Whether any of the tensors has no elements. */
export const isEmpty = (types: readonly TensorType[]): boolean => types.some(({ shape }) => sizeOf(shape) === 0);

/** A convolution of tensors that are not empty. */
function convolution(
  [x, w]: readonly TensorType[],
  attributes: Conv2dAttributes,
  [y]: readonly TensorType[],
  epilogue: Epilogue | null,
): WasmCall {
  const shape = convolutionShape(x.shape, w.shape, y.shape, attributes);
  if (isDepthwise(shape)) return depthwiseCall(shape, epilogue);
  const winograd = winogradShape(shape);
  if (!winograd) return convolutionCall(shape, false, epilogue);
  const order = { rowStride: 9 * winograd.depth, depthStride: 9, turned: false };
  return winogradCall(winograd, order, shape, epilogue);
}

export const conv2d: WasmKernel<'conv2d'> = (inputs, attributes, [y]) => {
  if (!allFloat32([...inputs, y])) return null;
  return isEmpty([...inputs, y]) ? zerosCall(2, y) : convolution(inputs, attributes, [y], null);
};

/**
 * A convolution and what follows it, as one call: its addresses are the convolution's input and filter, the epilogue's
 * inputs, the convolution's output and the epilogue's outputs.
 */
export function conv2dWithEpilogue(
  inputs: readonly TensorType[],
  attributes: Conv2dAttributes,
  output: TensorType,
  epilogue: Epilogue,
): WasmCall | null {
  const types = [...inputs, output];
  return allFloat32(types) && !isEmpty(types) ? convolution(inputs, attributes, [output], epilogue) : null;
}
