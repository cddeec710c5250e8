/**
 * The gradient of a convolution's input: columns = w^T g, and each column is added to the pixels it was made of. A unit
 * of work has whole images of some channels, so that nobody else adds to its pixels.
 */

import type { Conv2dAttributes, TensorType } from '../../contract.js';
import { i32 } from '../assembler/instructions.js';
import { kernelParameters, sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { defineColumns, lineStep } from './columns.js';
import { allFloat32, convolutionCall, isEmpty } from './conv2d.js';
import { type ConvolutionShape, convolutionShape, emitPixelBlock, pixelAt, pixelBlocks } from './convolutionShape.js';
import { depthwiseInputGradientCall, isDepthwise } from './depthwise.js';
import type { Epilogue } from './epilogue.js';
import { fewChannelsInputGradientCall } from './fewChannelsInputGradient.js';
import { DEPTH_BLOCK, defineGemm, paddedStride, panelFloats, TILE_ROWS } from './gemm.js';
import { emitLanes, emitPositions, laneCount, ScratchLayout, zerosCall } from './lanes.js';
import { defineCopy, definePanelPacking } from './movement.js';
import { constant, emitBlocks, emitFill, emitLoop, evenBlock, floatAt, minimum, roundUp, times } from './spans.js';
import { defineMerging, scatterStagingFor, stagedPlane, stagedRow } from './staging.js';
import { winogradCall } from './winograd.js';
import { gradientShape, winogradShape } from './winogradShape.js';

const PARAMETERS = kernelParameters(['gradient', 'filter', 'output', 'scratch']);

/** Floats of staged planes that should stay in the second-level cache. */
const STAGED_LIMIT = 65536;

function inputGradientCall(shape: ConvolutionShape): WasmCall {
  const { groups, inputChannels, outputChannels, taps, height, width, pads } = shape;
  const blocks = pixelBlocks(shape);
  const staging = scatterStagingFor(shape, shape.outputHeight);
  const plane = stagedPlane(staging);
  const rowsThatFit = Math.floor(Math.min(DEPTH_BLOCK / taps, STAGED_LIMIT / (plane * blocks.images)));
  const channelBlock = evenBlock(inputChannels, Math.max(1, rowsThatFit), 1);
  const depthBlock = evenBlock(outputChannels, DEPTH_BLOCK, 1);
  const [imageBlocks, lineBlocks] = blocks.grid;
  const grid = [groups, imageBlocks, Math.ceil(inputChannels / channelBlock)];
  const items = sizeOf(grid);
  const stride = paddedStride(blocks.columns);
  const area = shape.outputHeight * shape.outputWidth;
  const stagedFloats = blocks.images * channelBlock * plane;
  const layout = new ScratchLayout({
    left: panelFloats(channelBlock * taps, depthBlock),
    right: depthBlock * stride,
    product: roundUp(channelBlock * taps, TILE_ROWS) * stride,
    staged: stagedFloats,
  });
  return {
    key: `convolution input gradient ${shape.key}`,
    phases: [{ name: 'convolve', units: laneCount(items, layout.bytes), cost: shape.cost }],
    scratchBytes: laneCount(items, layout.bytes) * layout.bytes,
    build(module, options) {
      const packLeft = definePanelPacking(module, 'pack filter', {
        sourceStride: inputChannels * taps,
        transposed: true,
        height: TILE_ROWS,
      });
      const packPixels = defineCopy(module, 'pack pixels', area, stride);
      const gemm = defineGemm(module, 'gemm', { options, leftStride: null, rightStride: stride, outputStride: stride });
      const scatter = defineColumns(module, 'scatter', { shape, staging, channels: channelBlock, stride }, 'scatter');
      const merge = defineMerging(module, 'merge', staging);
      module.function('convolve', PARAMETERS, (code, parameters) => {
        const { gradient, filter, output } = parameters;
        emitLanes(code, parameters, items, layout.bytes, (base, forItems) => {
          const { left, right, product, staged } = layout.locals(code, base);
          forItems((item) => {
            const [group, imageIndex, channelIndex] = emitPositions(code, item, grid);
            const channel = code.local('i32', i32.mul(channelIndex, constant(channelBlock)));
            const rest = i32.sub(constant(inputChannels), channel);
            const here = code.local('i32', minimum(constant(channelBlock), rest));
            const rows = code.local('i32', times(here, taps));
            emitFill(code, staged, constant(stagedFloats));
            code.repeat(lineBlocks, (lineIndex) => {
              const block = emitPixelBlock(code, blocks, imageIndex, lineIndex);
              emitBlocks(code, outputChannels, depthBlock, (depthStart, depth) => {
                const outputChannel = code.local('i32', i32.add(times(group, outputChannels), depthStart));
                const filterBlock = floatAt(filter, [outputChannel, inputChannels * taps], [channel, taps]);
                code.call(packLeft, filterBlock, left, rows, depth);
                emitLoop(code, block.images, (image) => {
                  const pixels = pixelAt(gradient, block, image, outputChannel, [groups * outputChannels, area]);
                  code.call(packPixels, pixels, floatAt(right, [i32.mul(image, block.count), 1]), depth, block.count);
                });
                code.call(gemm, left, right, product, rows, block.columns, depth, i32.eqz(depthStart));
              });
              const firstRow = floatAt(staged, [block.firstLine, lineStep(shape, staging) * stagedRow(staging)]);
              code.call(scatter, firstRow, product, here, block.images, block.lines);
            });
            const { firstImage, images } = emitPixelBlock(code, blocks, imageIndex, constant(0));
            const inputChannel = code.local('i32', i32.add(times(group, inputChannels), channel));
            emitLoop(code, images, (image) => {
              const from = floatAt(staged, [image, channelBlock * plane], [constant(pads[0]), stagedRow(staging)]);
              const imageFloats = groups * inputChannels * height * width;
              const first = floatAt(output, [i32.add(firstImage, image), imageFloats]);
              code.call(merge, from, floatAt(first, [inputChannel, height * width]), here);
            });
          });
        });
      });
    },
  };
}

/** Where the gradient is a convolution like another. */
function asConvolution(shape: ConvolutionShape, epilogue: Epilogue | null): WasmCall | null {
  if (isDepthwise(shape)) return null;
  const winograd = winogradShape(shape);
  const turned = winograd && gradientShape(winograd);
  if (!turned) return shape.pointwise ? convolutionCall(shape, true, epilogue) : null;
  const order = { rowStride: 9, depthStride: 9 * turned.rows, turned: true };
  return winogradCall(turned, order, { key: `gradient ${shape.key}`, cost: shape.cost }, epilogue);
}

export const conv2dInputGradient: WasmKernel<'conv2dInputGradient'> = ([g, w], attributes, [dx]) => {
  if (!allFloat32([g, w, dx])) return null;
  if (isEmpty([g, w, dx])) return zerosCall(2, dx);
  const shape = convolutionShape(dx.shape, w.shape, g.shape, attributes);
  if (isDepthwise(shape)) return depthwiseInputGradientCall(shape);
  return fewChannelsInputGradientCall(shape) ?? asConvolution(shape, null) ?? inputGradientCall(shape);
};

/** A gradient and what follows it, as one call; see `conv2dWithEpilogue`. Not for all shapes. */
export function conv2dInputGradientWithEpilogue(
  [g, w]: readonly TensorType[],
  attributes: Conv2dAttributes,
  dx: TensorType,
  epilogue: Epilogue,
): WasmCall | null {
  const types = [g, w, dx];
  if (!allFloat32(types) || isEmpty(types)) return null;
  return asConvolution(convolutionShape(dx.shape, w.shape, g.shape, attributes), epilogue);
}
