/** Gradient cases of pooling and resizing. */
import { applyOne } from '../../../src/autograd/dispatch.js';
import { ADAPTIVE_AVG_POOL, adaptiveAvgPool2d } from '../../../src/ops/neural/adaptiveAvgPool.js';
import { AVG_POOL, avgPool2d, gradientOfAvgPool } from '../../../src/ops/neural/avgPool.js';
import { INTERPOLATE, type InterpolateOptions, interpolate } from '../../../src/ops/neural/interpolate.js';
import { MAX_POOL, maxPool2d } from '../../../src/ops/neural/maxPool.js';
import { REDUCE_MEAN } from '../../../src/ops/reduction/mean.js';
import { normal, type OperationCase, separated } from './operationCase.js';

const resize = (name: string, shape: readonly number[], options: InterpolateOptions): OperationCase => ({
  operation: INTERPOLATE,
  name,
  inputs: (g) => [normal(g, shape)],
  run: (x) => interpolate(x, options),
});

export const cases: readonly OperationCase[] = [
  {
    operation: MAX_POOL,
    name: 'without overlap',
    inputs: (g) => [separated(g, [2, 2, 4, 5])],
    run: (x) => maxPool2d(x, 2),
  },
  {
    operation: MAX_POOL,
    name: 'overlap, padding and dilation',
    inputs: (g) => [separated(g, [1, 2, 6, 6])],
    run: (x) => maxPool2d(x, [3, 2], { stride: [1, 2], padding: 1, dilation: [2, 1] }),
  },
  {
    operation: MAX_POOL,
    name: 'ceil mode',
    inputs: (g) => [separated(g, [1, 1, 6, 5])],
    run: (x) => maxPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true }),
  },
  {
    operation: AVG_POOL,
    name: 'padding that counts',
    inputs: (g) => [normal(g, [2, 1, 5, 4])],
    run: (x) => avgPool2d(x, 3, { stride: 2, padding: 1 }),
  },
  {
    operation: AVG_POOL,
    name: 'padding that does not count',
    inputs: (g) => [normal(g, [1, 2, 5, 4])],
    run: (x) => avgPool2d(x, [3, 2], { stride: [1, 2], padding: 1, countIncludePad: false }),
  },
  {
    operation: AVG_POOL,
    name: 'ceil mode with padding that counts',
    inputs: (g) => [normal(g, [1, 1, 6, 6])],
    run: (x) => avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true }),
  },
  {
    operation: AVG_POOL,
    name: "ceil mode with OpenVINO's divisor",
    inputs: (g) => [normal(g, [1, 1, 6, 5])],
    run: (x) =>
      applyOne(
        AVG_POOL,
        [x],
        {
          kernel: [3, 3],
          strides: [2, 2],
          padsBegin: [1, 0],
          padsEnd: [1, 1],
          autoPad: 'explicit',
          roundingType: 'ceil',
          excludePad: false,
        },
        gradientOfAvgPool,
      ),
  },
  {
    operation: AVG_POOL,
    name: 'same padding',
    inputs: (g) => [normal(g, [1, 1, 5, 5])],
    run: (x) =>
      applyOne(
        AVG_POOL,
        [x],
        {
          kernel: [2, 2],
          strides: [2, 2],
          padsBegin: [0, 0],
          padsEnd: [0, 0],
          autoPad: 'same_upper',
          roundingType: 'floor',
          excludePad: true,
        },
        gradientOfAvgPool,
      ),
  },
  {
    operation: ADAPTIVE_AVG_POOL,
    name: 'windows that overlap',
    inputs: (g) => [normal(g, [2, 1, 5, 7])],
    run: (x) => adaptiveAvgPool2d(x, [3, 2]),
  },
  {
    operation: ADAPTIVE_AVG_POOL,
    name: 'larger than the image',
    inputs: (g) => [normal(g, [1, 1, 2, 3])],
    run: (x) => adaptiveAvgPool2d(x, [3, 5]),
  },
  {
    operation: REDUCE_MEAN,
    name: 'global average pool',
    inputs: (g) => [normal(g, [2, 3, 2, 2])],
    run: (x) => adaptiveAvgPool2d(x, 1),
  },
  resize('nearest, larger', [1, 2, 3, 2], { size: [7, 4] }),
  resize('nearest, smaller', [1, 1, 7, 5], { scaleFactor: 0.5 }),
  resize('nearest-exact', [1, 1, 3, 4], { size: [5, 3], mode: 'nearest-exact' }),
  resize('bilinear, larger', [1, 2, 3, 2], { scaleFactor: [2, 1.5], mode: 'bilinear' }),
  resize('bilinear, smaller', [1, 1, 6, 5], { size: [4, 1], mode: 'bilinear' }),
  resize('bilinear with corners aligned', [1, 1, 3, 4], { size: [5, 7], mode: 'bilinear', alignCorners: true }),
  resize('bilinear with corners aligned, to one pixel', [1, 1, 3, 4], {
    size: [1, 2],
    mode: 'bilinear',
    alignCorners: true,
  }),
  resize('one axis keeps its size', [1, 1, 3, 4], { scaleFactor: [1, 2], mode: 'bilinear' }),
];
