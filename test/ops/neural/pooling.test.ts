/** Values, shapes and errors of pools; PyTorch's values are checked in test/ops/oracle. */
import { describe, expect, it } from 'vitest';
import { applyOne } from '../../../src/autograd/dispatch.js';
import { reshape } from '../../../src/ops/movement/reshape.js';
import { ADAPTIVE_AVG_POOL, adaptiveAvgPool2d } from '../../../src/ops/neural/adaptiveAvgPool.js';
import { AVG_POOL, type AvgPoolAttributes, avgPool2d } from '../../../src/ops/neural/avgPool.js';
import { MAX_POOL, type MaxPoolAttributes, maxPool2d, maxPool2dWithIndices } from '../../../src/ops/neural/maxPool.js';
import { arange, ones, zeros } from '../../../src/tensor/create.js';
import { DYNAMIC } from '../../../src/tensor/shape.js';

const type = (shape: number[], dtype: 'float32' | 'int32' = 'float32') => ({ shape, dtype });

const maxAttributes: MaxPoolAttributes = {
  kernel: [3, 3],
  strides: [2, 2],
  dilations: [1, 1],
  padsBegin: [1, 1],
  padsEnd: [1, 1],
  autoPad: 'explicit',
  roundingType: 'floor',
};

describe('maxPool2d', () => {
  it('gives the maxima and where they stand in the image plane', () => {
    const x = reshape(arange(0, 32), [1, 2, 4, 4]);
    const { values, indices } = maxPool2dWithIndices(x, 2);
    expect(Array.from(values.dataSync())).toEqual([5, 7, 13, 15, 21, 23, 29, 31]);
    expect(Array.from(indices.dataSync())).toEqual([5, 7, 13, 15, 5, 7, 13, 15]);
    expect(indices.dtype).toBe('int32');
  });

  it.each([
    ['floor', [2, 3]],
    ['ceil', [3, 4]],
    // The last window along y would start in the padding after the image.
    ['ceil_torch', [2, 4]],
  ] as const)('counts windows with rounding %s', (roundingType, expected) => {
    const attributes = { ...maxAttributes, kernel: [2, 3], strides: [3, 2], roundingType };
    expect(MAX_POOL.infer([type([1, 1, 5, 6])], attributes)[0].shape.slice(2)).toEqual(expected);
  });

  it('keeps dynamic extents', () => {
    const shape = [DYNAMIC, 3, DYNAMIC, 7];
    expect(MAX_POOL.infer([type(shape)], maxAttributes)).toEqual([
      type([DYNAMIC, 3, DYNAMIC, 4]),
      type([DYNAMIC, 3, DYNAMIC, 4], 'int32'),
    ]);
  });

  it('refuses what makes no sense', () => {
    expect(() => maxPool2d(zeros([1, 1, 2, 2]), 3)).toThrow(/\[3, 3\].*\[1, 1, 2, 2\]/);
    expect(() => maxPool2d(zeros([1, 1, 4, 4]), 2, { padding: 2 })).toThrow(/more than half/);
    expect(() => maxPool2d(zeros([1, 4, 4]), 2)).toThrow(/\[N, C, H, W\].*\[1, 4, 4\]/);
    expect(() => maxPool2d(zeros([1, 1, 4, 4]), 0)).toThrow(/kernelSize is 0/);
    expect(() => maxPool2d(zeros([1, 1, 4, 4]), 2, { stride: [1, 2, 3] })).toThrow(/stride/);
    expect(() => maxPool2d(zeros([1, 1, 4, 4]), 2, { pading: 1 } as object)).toThrow(/Did you mean 'padding'/);
    expect(() => maxPool2d(zeros([1, 1, 4, 4], { dtype: 'int32' }), 2)).toThrow(/int32/);
  });
});

const avgAttributes: AvgPoolAttributes = { ...maxAttributes, excludePad: false };

/** Nine times the means of an image of ones. */
function ninths(size: number, attributes: Partial<AvgPoolAttributes>): number[] {
  const y = applyOne(AVG_POOL, [ones([1, 1, size, size])], { ...avgAttributes, ...attributes });
  return Array.from(y.dataSync(), (value) => Math.round(value * 9000) / 1000);
}

describe('AvgPool', () => {
  // These values are those of OpenVINO 2026.4 on a CPU.
  it('divides by the whole window where padding counts, as OpenVINO does', () => {
    expect(ninths(6, { roundingType: 'ceil_torch' })).toEqual([4, 6, 6, 2, 6, 9, 9, 3, 6, 9, 9, 3, 2, 3, 3, 1]);
    expect(ninths(5, { roundingType: 'ceil', padsBegin: [0, 0] })).toEqual([9, 9, 3, 9, 9, 3, 3, 3, 1]);
    expect(ninths(6, { roundingType: 'ceil', padsEnd: [0, 0] })).toEqual([4, 6, 6, 6, 9, 9, 6, 9, 9]);
  });

  it('divides by what lies in the image where there is no padding or it does not count', () => {
    const none = { padsBegin: [0, 0], padsEnd: [0, 0], roundingType: 'ceil' as const };
    expect(ninths(6, none)).toEqual(new Array(9).fill(9));
    expect(ninths(6, { roundingType: 'ceil', excludePad: true })).toEqual(new Array(16).fill(9));
  });

  it('keeps dynamic extents', () => {
    expect(AVG_POOL.infer([type([DYNAMIC, 3, 5, DYNAMIC])], avgAttributes)).toEqual([type([DYNAMIC, 3, 3, DYNAMIC])]);
  });
});

describe('avgPool2d', () => {
  it("divides by PyTorch's rule", () => {
    const y = avgPool2d(ones([1, 1, 6, 6]), 3, { stride: 2, padding: 1, ceilMode: true });
    const rows = [4, 6, 6, 3, 6, 9, 9, 4.5, 6, 9, 9, 4.5, 3, 4.5, 4.5, 2.25];
    expect(Array.from(y.dataSync(), (value) => Math.round(value * 9000) / 1000)).toEqual(rows);
  });

  it('refuses what makes no sense', () => {
    expect(() => avgPool2d(zeros([1, 1, 2, 2]), [2, 3])).toThrow(/\[2, 3\].*\[1, 1, 2, 2\]/);
    expect(() => avgPool2d(zeros([1, 1, 4, 4]), 2, { padding: [0, 2] })).toThrow(/more than half/);
    expect(() => avgPool2d(zeros([1, 1, 4, 4]), 2, { includePad: true } as object)).toThrow(/countIncludePad/);
  });
});

describe('adaptiveAvgPool2d', () => {
  it('averages windows from floor to ceil', () => {
    const y = adaptiveAvgPool2d(reshape(arange(0, 5), [1, 1, 1, 5]), [1, 2]);
    expect(Array.from(y.dataSync())).toEqual([1, 3]);
  });

  it('gives the image itself for its own size, and the global mean for 1', () => {
    const x = reshape(arange(0, 8), [1, 2, 2, 2]);
    expect(adaptiveAvgPool2d(x, 2)).toBe(x);
    const y = adaptiveAvgPool2d(x, 1);
    expect(y.shape).toEqual([1, 2, 1, 1]);
    expect(Array.from(y.dataSync())).toEqual([1.5, 5.5]);
  });

  it('knows its size whatever the image', () => {
    const shape = [DYNAMIC, 3, DYNAMIC, DYNAMIC];
    expect(ADAPTIVE_AVG_POOL.infer([type(shape)], { outputSize: [3, 2] })).toEqual([type([DYNAMIC, 3, 3, 2])]);
    expect(() => adaptiveAvgPool2d(zeros([1, 1, 0, 2]), 2)).toThrow(/\[1, 1, 0, 2\]/);
    expect(() => adaptiveAvgPool2d(zeros([1, 2, 2]), 2)).toThrow(/\[1, 2, 2\]/);
  });
});
