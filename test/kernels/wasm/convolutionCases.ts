/** Convolutions of many kinds for tests: shapes and attributes. */
import fc from 'fast-check';
import type { Conv2dAttributes } from '../../../src/kernels/contract.js';

export interface Convolution {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly y: readonly number[];
  readonly attributes: Conv2dAttributes;
}

export interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
  readonly padEnd: number;
  readonly extent: number;
}

/** The convolution with these axes; inputs too small for one window grow. */
export function convolution(
  [y, x]: readonly [Axis, Axis],
  batch: number,
  groups: number,
  inputs: number,
  outputs: number,
): Convolution {
  const [rows, columns] = [y, x].map(({ kernel, stride, dilation, padBegin, padEnd, extent }) => {
    const window = (kernel - 1) * dilation + 1;
    const input = Math.max(extent, window - padBegin - padEnd, 1);
    return { input, output: Math.floor((input + padBegin + padEnd - window) / stride) + 1 };
  });
  return {
    x: [batch, groups * inputs, rows.input, columns.input],
    w: [groups * outputs, inputs, y.kernel, x.kernel],
    y: [batch, groups * outputs, rows.output, columns.output],
    attributes: {
      strides: [y.stride, x.stride],
      padsBegin: [y.padBegin, x.padBegin],
      padsEnd: [y.padEnd, x.padEnd],
      dilations: [y.dilation, x.dilation],
      groups,
    },
  };
}

/** The same along both axes. */
export const square = (kernel: number, stride: number, extent: number, pad = (kernel - 1) / 2): [Axis, Axis] => {
  const axis = { kernel, stride, dilation: 1, padBegin: pad, padEnd: pad, extent };
  return [axis, axis];
};

export const axis: fc.Arbitrary<Axis> = fc.record({
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 3 }),
  padBegin: fc.integer({ min: 0, max: 3 }),
  padEnd: fc.integer({ min: 0, max: 3 }),
  extent: fc.integer({ min: 1, max: 13 }),
});

export const convolutions = fc
  .tuple(
    fc.tuple(axis, axis),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 9 }),
  )
  .map((values) => convolution(...values));

export const depthwise = fc
  .tuple(fc.tuple(axis, axis), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }))
  .map(([axes, batch, channels]) => convolution(axes, batch, channels, 1, 1));

export const pointwise = fc
  .tuple(
    fc.integer({ min: 1, max: 13 }),
    fc.integer({ min: 1, max: 13 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 2 }),
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 20 }),
  )
  .map(([height, width, ...channels]) => {
    const plain = { kernel: 1, stride: 1, dilation: 1, padBegin: 0, padEnd: 0 };
    return convolution(
      [
        { ...plain, extent: height },
        { ...plain, extent: width },
      ],
      ...channels,
    );
  });

/** Kinds that take a path of their own. */
export const NAMED_CONVOLUTIONS: readonly [string, Convolution][] = [
  ['many channels: several blocks of depth', convolution(square(3, 1, 6), 1, 1, 70, 20)],
  ['many outputs: several blocks of rows', convolution(square(3, 1, 5), 1, 1, 4, 300)],
  ['wide images: a line fills a block', convolution(square(3, 1, 150), 1, 1, 2, 5)],
  ['wide images, 1x1: a line is cut', convolution(square(1, 1, 40), 1, 1, 6, 9)],
  ['images merged into blocks, the last one short', convolution(square(3, 1, 4), 11, 1, 3, 8)],
  ['7x7 with stride 2', convolution(square(7, 2, 20), 2, 1, 3, 16)],
  ['3x3 with stride 2', convolution(square(3, 2, 16), 2, 1, 8, 16)],
  ['1x1 with stride 2', convolution(square(1, 2, 9), 2, 1, 8, 16)],
  ['stride larger than the window', convolution(square(2, 5, 17, 0), 2, 2, 3, 4)],
  ['window larger than the image', convolution(square(5, 1, 1), 3, 1, 2, 3)],
  ['only padding', convolution(square(1, 3, 2, 3), 1, 1, 2, 2)],
  ['large depthwise window', convolution(square(9, 1, 12), 1, 3, 1, 1)],
  ['depthwise, wide', convolution(square(3, 1, 70), 1, 2, 1, 1)],
  ['depthwise with a multiplier', convolution(square(3, 2, 8), 2, 3, 1, 2)],
  ['one pixel', convolution(square(3, 1, 1), 5, 1, 4, 4)],
];

/** 3x3 with stride 1 and enough channels and images for minimal filtering, cut in different ways. */
export const MINIMAL_CONVOLUTIONS: readonly [string, Convolution][] = [
  ['lines of tiles cut', convolution(square(3, 1, 33), 4, 1, 8, 9)],
  ['all tiles one block', convolution(square(3, 1, 7), 8, 1, 20, 70)],
  ['many small images', convolution(square(3, 1, 5), 36, 1, 8, 8)],
  ['few tiles, channels of all remainders', convolution(square(3, 1, 4), 8, 1, 37, 71)],
  ['few tiles, several blocks', convolution(square(3, 1, 6), 4, 1, 70, 131)],
  ['two images', convolution(square(3, 1, 16), 2, 1, 8, 12)],
  ['three images', convolution(square(3, 1, 8), 3, 1, 9, 8)],
  ['four and one images, lines of tiles cut', convolution(square(3, 1, 35), 5, 1, 8, 9)],
  ['many images and three, small', convolution(square(3, 1, 4), 39, 1, 8, 10)],
  ['few tiles, an odd batch', convolution(square(3, 1, 4), 7, 1, 33, 65)],
  ['stride 2, odd', convolution(square(3, 2, 15), 7, 1, 65, 67)],
  ['stride 2, no padding', convolution(square(3, 2, 9, 0), 16, 1, 64, 64)],
  ['stride 2, lines of tiles cut', convolution(square(3, 2, 37), 4, 1, 64, 64)],
  ['stride 2, few tiles', convolution(square(3, 2, 8), 16, 1, 69, 71)],
  ['few tiles, no padding', convolution(square(3, 1, 6, 0), 12, 1, 32, 64)],
];
