/**
 * Which pixels a convolution multiplies with which weight, worked out once per call.
 *
 * Every element of the filter's window (a tap) reads the input at output position times stride plus a
 * shift. The output positions for which that lies inside the image are a rectangle, so the loops over
 * pixels need no test for the padding.
 */
import type { Conv2dAttributes } from '../contract.js';

/** One element of the window and the outputs for which it reads a pixel of the image. */
export interface Tap {
  /** Flat position in the window. */
  readonly index: number;
  /** Output o reads input o * stride + shift. */
  readonly shiftY: number;
  readonly shiftX: number;
  readonly beginY: number;
  readonly endY: number;
  readonly beginX: number;
  readonly endX: number;
}

export interface ConvolutionGeometry {
  readonly batch: number;
  readonly groups: number;
  /** Channels of one group. */
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly width: number;
  readonly outputWidth: number;
  /** Pixels of an input and of an output plane. */
  readonly inputArea: number;
  readonly outputArea: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly taps: readonly Tap[];
  /** Whether a plane of the output sees exactly its own pixel of the input: 1x1, stride 1, no padding. */
  readonly pointwise: boolean;
}

interface Range {
  readonly shift: number;
  readonly begin: number;
  readonly end: number;
}

/** For each element of the window along one axis: its shift and the outputs o with 0 <= o * stride + shift < extent. */
function axisRanges(
  kernel: number,
  dilation: number,
  padBegin: number,
  stride: number,
  extent: number,
  outputs: number,
): Range[] {
  return Array.from({ length: kernel }, (_, position) => {
    const shift = position * dilation - padBegin;
    const begin = Math.max(0, Math.ceil(-shift / stride));
    const end = Math.max(begin, Math.min(outputs, Math.floor((extent - 1 - shift) / stride) + 1));
    return { shift, begin, end };
  });
}

/** Shapes are [N, C, H, W] of the input, [O, C / groups, kh, kw] of the filter and [N, O, H', W'] of the output. */
export function convolutionGeometry(
  input: readonly number[],
  filter: readonly number[],
  output: readonly number[],
  { strides, padsBegin, dilations, groups }: Conv2dAttributes,
): ConvolutionGeometry {
  const [rows, columns] = [0, 1].map((axis) =>
    axisRanges(filter[2 + axis], dilations[axis], padsBegin[axis], strides[axis], input[2 + axis], output[2 + axis]),
  );
  const taps = rows.flatMap((y, indexY) =>
    columns.map((x, indexX) => ({
      index: indexY * columns.length + indexX,
      shiftY: y.shift,
      shiftX: x.shift,
      beginY: y.begin,
      endY: y.end,
      beginX: x.begin,
      endX: x.end,
    })),
  );
  const sameExtents = input[2] === output[2] && input[3] === output[3];
  const [tap] = taps;
  const pointwise =
    sameExtents && taps.length === 1 && strides[0] === 1 && strides[1] === 1 && tap.shiftY === 0 && tap.shiftX === 0;
  return {
    batch: input[0],
    groups,
    inputChannels: filter[1],
    outputChannels: filter[0] / groups,
    width: input[3],
    outputWidth: output[3],
    inputArea: input[2] * input[3],
    outputArea: output[2] * output[3],
    strideY: strides[0],
    strideX: strides[1],
    taps,
    pointwise,
  };
}
