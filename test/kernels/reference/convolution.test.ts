import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Conv2dAttributes } from '../../../src/kernels/contract.js';
import { operand } from '../conformance/kernelCase.js';
import * as naive from '../naive.js';
import { dot, expectClose, FLOATING, randomOperand, run } from './run.js';

interface Convolution {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly y: readonly number[];
  readonly attributes: Conv2dAttributes;
  readonly seed: number;
}

const simple: Conv2dAttributes = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1], groups: 1 };

/** Per axis: extents and attributes with at least one output. */
const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    padBegin: fc.integer({ min: 0, max: 3 }),
    padEnd: fc.integer({ min: 0, max: 3 }),
    extent: fc.integer({ min: 1, max: 7 }),
  })
  .map(({ kernel, stride, dilation, padBegin, padEnd, extent }) => {
    const window = (kernel - 1) * dilation + 1;
    const input = Math.max(extent, window - padBegin - padEnd);
    const output = Math.floor((input + padBegin + padEnd - window) / stride) + 1;
    return { kernel, stride, dilation, padBegin, padEnd, input, output };
  });

/** Ordinary, grouped and depthwise convolutions, on both sides of the limit between matrix and direct loops. */
const convolutions: fc.Arbitrary<Convolution> = fc
  .record({
    y: axis,
    x: axis,
    batch: fc.integer({ min: 0, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    inputs: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 6 }),
    seed: fc.nat(),
  })
  .map(({ y, x, batch, groups, inputs, outputs, seed }) => ({
    x: [batch, groups * inputs, y.input, x.input],
    w: [groups * outputs, inputs, y.kernel, x.kernel],
    y: [batch, groups * outputs, y.output, x.output],
    attributes: {
      strides: [y.stride, x.stride],
      padsBegin: [y.padBegin, x.padBegin],
      padsEnd: [y.padEnd, x.padEnd],
      dilations: [y.dilation, x.dilation],
      groups,
    },
    seed,
  }));

describe('conv2d', () => {
  it('correlates by hand', () => {
    const x = operand([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const w = operand([1, 1, 2, 2], [1, 10, 100, 1000]);
    expect([...run('conv2d', [x, w], simple, [1, 1, 2, 2])]).toEqual([5421, 6532, 8754, 9865]);
    // The same filter four times goes through the matrix product.
    const four = operand([4, 1, 2, 2], [1, 10, 100, 1000, 2, 20, 200, 2000, 3, 30, 300, 3000, 4, 40, 400, 4000]);
    expect([...run('conv2d', [x, four], simple, [1, 4, 2, 2])]).toEqual(
      [1, 2, 3, 4].flatMap((factor) => [5421, 6532, 8754, 9865].map((value) => value * factor)),
    );
  });

  it('pads each side by its own amount', () => {
    const x = operand([1, 1, 1, 2], [1, 2]);
    const w = operand([1, 1, 1, 2], [10, 1]);
    const attributes = { ...simple, padsBegin: [0, 2], padsEnd: [1, 1] };
    expect([...run('conv2d', [x, w], attributes, [1, 1, 2, 4])]).toEqual([0, 1, 12, 20, 0, 0, 0, 0]);
  });

  it('is a matrix product of channels for a 1x1 filter', () => {
    const x = operand([2, 2, 1, 1], [1, 2, 3, 4]);
    const w = operand([4, 2, 1, 1], [1, 0, 0, 1, 1, 1, 1, -1]);
    expect([...run('conv2d', [x, w], simple, [2, 4, 1, 1])]).toEqual([1, 2, 3, -1, 3, 4, 7, -1]);
  });

  it.each(FLOATING)('and its gradients follow the definition for random geometries in %s', (dtype) => {
    fc.assert(
      fc.property(convolutions, ({ attributes, seed, ...shapes }) => {
        const x = randomOperand(shapes.x, seed, dtype);
        const w = randomOperand(shapes.w, seed + 1, dtype);
        const g = randomOperand(shapes.y, seed + 2, dtype);
        expectClose(run('conv2d', [x, w], attributes, shapes.y), naive.conv2d(x, w, attributes, shapes.y), dtype);
        expectClose(
          run('conv2dInputGradient', [g, w], attributes, shapes.x),
          naive.conv2dInputGradient(g, w, attributes, shapes.x),
          dtype,
        );
        expectClose(
          run('conv2dFilterGradient', [x, g], attributes, shapes.w),
          naive.conv2dFilterGradient(x, g, attributes, shapes.w),
          dtype,
        );
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['planes of several sizes', 1, 5],
    ['planes of several sizes, in groups', 2, 4],
    ['single pixels', 1, 1],
  ])('follows the definition for more images than go into one matrix: %s', (_, groups, most) => {
    for (let side = 1; side <= most; side++) {
      const attributes = { ...simple, padsBegin: [1, 1], padsEnd: [1, 1], groups };
      const [xShape, wShape, yShape] = [
        [66, 2 * groups, side, side],
        [5 * groups, 2, 3, 3],
        [66, 5 * groups, side, side],
      ];
      const [x, w, g] = [xShape, wShape, yShape].map((shape, index) => randomOperand(shape, side + index, 'float64'));
      expectClose(run('conv2d', [x, w], attributes, yShape), naive.conv2d(x, w, attributes, yShape), 'float64');
      expectClose(
        run('conv2dInputGradient', [g, w], attributes, xShape),
        naive.conv2dInputGradient(g, w, attributes, xShape),
        'float64',
      );
      expectClose(
        run('conv2dFilterGradient', [x, g], attributes, wShape),
        naive.conv2dFilterGradient(x, g, attributes, wShape),
        'float64',
      );
    }
  });

  it('has gradients that are its transposes', () => {
    fc.assert(
      fc.property(convolutions, ({ attributes, seed, ...shapes }) => {
        const x = randomOperand(shapes.x, seed);
        const w = randomOperand(shapes.w, seed + 1);
        const g = randomOperand(shapes.y, seed + 2);
        const forward = dot(run('conv2d', [x, w], attributes, shapes.y), g.values);
        expect(dot(x.values, run('conv2dInputGradient', [g, w], attributes, shapes.x))).toBeCloseTo(forward, 9);
        expect(dot(w.values, run('conv2dFilterGradient', [x, g], attributes, shapes.w))).toBeCloseTo(forward, 9);
      }),
    );
  });

  it('gives zeros where a transposed convolution asks for more rows than any window reaches', () => {
    const g = operand([1, 1, 1, 1], [3]);
    const w = operand([1, 1, 2, 1], [1, 2]);
    expect([...run('conv2dInputGradient', [g, w], { ...simple, strides: [4, 1] }, [1, 1, 4, 1])]).toEqual([3, 6, 0, 0]);
  });

  it('agrees where the matrices are larger than a cache block', () => {
    const attributes = { ...simple, padsBegin: [1, 1], padsEnd: [1, 1] };
    const x = randomOperand([1, 58, 4, 5], 1, 'float32');
    const w = randomOperand([66, 58, 3, 3], 2, 'float32');
    const g = randomOperand([1, 66, 4, 5], 3, 'float32');
    const scale = 10; // Sums of up to 522 terms.
    const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
      expectClose(
        Array.from(actual, (v) => v / scale),
        Array.from(expected, (v) => v / scale),
        'float32',
      );
    near(run('conv2d', [x, w], attributes, g.shape), naive.conv2d(x, w, attributes, g.shape));
    near(run('conv2dInputGradient', [g, w], attributes, x.shape), naive.conv2dInputGradient(g, w, attributes, x.shape));
    near(
      run('conv2dFilterGradient', [x, g], attributes, w.shape),
      naive.conv2dFilterGradient(x, g, attributes, w.shape),
    );
  });
});
