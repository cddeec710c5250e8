import { describe, expect, it } from 'vitest';
import { fitsFloat32, fromFloat32, toFloat32 } from '../../../src/kernels/gpujs/wholeNumbers.js';

describe('whole numbers on the device', () => {
  it('fit as far as float32 is exact', () => {
    expect(fitsFloat32(Int32Array.of(-(2 ** 24), 0, 2 ** 24))).toBe(true);
    expect(fitsFloat32(Int32Array.of(2 ** 24 + 1))).toBe(false);
    expect(fitsFloat32(Int32Array.of(-(2 ** 31)))).toBe(false);
    expect(fitsFloat32(Uint8Array.of(255))).toBe(true);
    expect(fitsFloat32(Float64Array.of(0))).toBe(false);
  });

  it('come back in their own type', () => {
    for (const [values, dtype] of [
      [Int32Array.of(-5, 2 ** 24), 'int32'],
      [Int8Array.of(-128, 127), 'int8'],
      [Uint8Array.of(0, 1), 'bool'],
      [Float32Array.of(0.5), 'float32'],
    ] as const) {
      expect(fromFloat32(toFloat32(values), dtype)).toEqual(values);
    }
  });
});
