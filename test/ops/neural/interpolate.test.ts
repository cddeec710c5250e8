/** Resizing: hand-computed values, shapes and errors; PyTorch's values are checked in test/ops/oracle. */
import { describe, expect, it } from 'vitest';
import { INTERPOLATE, type InterpolateOptions, interpolate } from '../../../src/ops/neural/interpolate.js';
import { tensor, zeros } from '../../../src/tensor/create.js';
import { DYNAMIC } from '../../../src/tensor/shape.js';

const row = (options: InterpolateOptions): number[] =>
  Array.from(
    interpolate(tensor([0, 10, 20], { shape: [1, 1, 1, 3] }), options).dataSync(),
    (value) => Math.round(value * 1000) / 1000,
  );

describe('interpolate', () => {
  it('follows the coordinate rule of each mode', () => {
    expect(row({ size: [1, 6] })).toEqual([0, 0, 10, 10, 20, 20]);
    expect(row({ size: [1, 2] })).toEqual([0, 10]);
    expect(row({ size: [1, 2], mode: 'nearest-exact' })).toEqual([0, 20]);
    expect(row({ size: [1, 6], mode: 'bilinear' })).toEqual([0, 2.5, 7.5, 12.5, 17.5, 20]);
    expect(row({ size: [1, 5], mode: 'bilinear', alignCorners: true })).toEqual([0, 5, 10, 15, 20]);
    expect(row({ size: [1, 1], mode: 'bilinear' })).toEqual([10]);
    expect(row({ size: [1, 1], mode: 'bilinear', alignCorners: true })).toEqual([0]);
  });

  it('uses the factor itself for coordinates, and rounds the size down', () => {
    // floor(3 * 1.5) = 4 pixels, 1 / 1.5 apart.
    expect(row({ scaleFactor: [1, 1.5] })).toEqual([0, 0, 10, 20]);
    expect(row({ scaleFactor: [1, 1.2] })).toEqual([0, 10, 20]);
  });

  it('keeps dynamic extents', () => {
    const type = (shape: number[]) => ({ shape, dtype: 'float32' as const });
    const common = { mode: 'nearest', coordinates: 'asymmetric' } as const;
    const data = type([DYNAMIC, 3, DYNAMIC, 5]);
    expect(INTERPOLATE.infer([data], { ...common, sizes: null, scales: [2, 2] })).toEqual([
      type([DYNAMIC, 3, DYNAMIC, 10]),
    ]);
    expect(INTERPOLATE.infer([data], { ...common, sizes: [4, 6], scales: null })).toEqual([type([DYNAMIC, 3, 4, 6])]);
  });

  it('refuses what makes no sense', () => {
    const x = zeros([1, 1, 3, 3]);
    expect(() => interpolate(x, {})).toThrow(/size or scaleFactor/);
    expect(() => interpolate(x, { size: 2, scaleFactor: 2 })).toThrow(/not both/);
    expect(() => interpolate(x, { size: 2, mode: 'bicubic' as 'nearest' })).toThrow(/'bicubic'/);
    expect(() => interpolate(x, { size: 2, alignCorners: true })).toThrow(/bilinear/);
    expect(() => interpolate(x, { scaleFactor: -1 })).toThrow(/-1/);
    expect(() => interpolate(x, { scaleFactor: 0.1 })).toThrow(/\[1, 1, 3, 3\].*\[0, 0\]/);
    expect(() => interpolate(zeros([3, 3]), { size: 2 })).toThrow(/\[3, 3\]/);
    expect(() => interpolate(x, { scale: 2 } as object)).toThrow(/no option 'scale'/);
  });
});
