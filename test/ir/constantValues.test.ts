/** Constants of every element type. */
import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedError } from '../../src/errors.js';
import { ConstantValues } from '../../src/ir/constantValues.js';
import { type ElementType, elementTypeNamed, elementTypeOfPort } from '../../src/ir/elementTypes.js';

const constant = (name: string, shape: number[], bytes: ArrayBufferView | number[]): ConstantValues =>
  new ConstantValues(
    elementTypeNamed(name) as ElementType,
    shape,
    Array.isArray(bytes) ? Uint8Array.from(bytes) : new Uint8Array(bytes.buffer),
    "layer 'c'",
  );

const cases: [string, number[], ArrayBufferView | number[], string, number[]][] = [
  ['f32', [2], Float32Array.of(1.5, -0.1), 'float32', [1.5, Math.fround(-0.1)]],
  ['f64', [1], Float64Array.of(0.1), 'float64', [0.1]],
  ['f16', [5], Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000), 'float32', [1, -2, 2 ** -24, 65504, -0]],
  ['f16', [2], Uint16Array.of(0x7c00, 0xfc00), 'float32', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ['bf16', [3], Uint16Array.of(0x3f80, 0xc020, 0x4049), 'float32', [1, -2.5, 3.140625]],
  ['i64', [2], BigInt64Array.of(-5n, 2n ** 31n - 1n), 'int32', [-5, 2 ** 31 - 1]],
  ['u64', [1], BigUint64Array.of(7n), 'int32', [7]],
  ['i32', [2], Int32Array.of(-5, 6), 'int32', [-5, 6]],
  ['u32', [1], Uint32Array.of(5), 'int32', [5]],
  ['i16', [2], Int16Array.of(-300, 300), 'int32', [-300, 300]],
  ['u16', [1], Uint16Array.of(65535), 'int32', [65535]],
  ['i8', [2], [255, 127], 'int8', [-1, 127]],
  ['u8', [2], [255, 127], 'uint8', [255, 127]],
  ['i4', [5], [0x7f, 0x80, 0x01], 'int8', [-1, 7, 0, -8, 1]],
  ['u4', [3], [0x7f, 0x03], 'uint8', [15, 7, 3]],
  ['boolean', [3], [0, 1, 2], 'bool', [0, 1, 1]],
  ['f32', [], Float32Array.of(3), 'float32', [3]],
  ['f32', [0, 4], [], 'float32', []],
];

describe('constants', () => {
  it.each(cases)('%s %j', (name, shape, bytes, dtype, values) => {
    const read = constant(name, shape, bytes);
    expect(read.numbers()).toEqual(values);
    expect(read.tensor()).toMatchObject({ dtype, shape });
    expect(Array.from(read.tensor().dataSync())).toEqual(values);
  });

  it('may begin at any byte', () => {
    const bytes = Uint8Array.from([0, ...new Uint8Array(Float32Array.of(2.5).buffer)]).subarray(1);
    expect(constant('f32', [1], bytes.slice()).numbers()).toEqual([2.5]);
    const unaligned = new ConstantValues(elementTypeNamed('f32') as ElementType, [1], bytes, "layer 'c'");
    expect(Array.from(unaligned.tensor().dataSync())).toEqual([2.5]);
    expect(unaligned.numbers()).toEqual([2.5]);
  });

  it('are too small, or too large, by name', () => {
    expect(() => constant('f32', [2], [1, 2, 3, 4])).toThrow(FormatError);
    expect(() => constant('i4', [3], [1])).toThrow(/needs 2 bytes/);
    const large = constant('i64', [1], BigInt64Array.of(2n ** 40n));
    expect(large.numbers()).toEqual([2 ** 40]);
    expect(() => large.tensor()).toThrow(UnsupportedError);
    expect(() => constant('u32', [1], Uint32Array.of(2 ** 31)).tensor()).toThrow(/layer 'c'/);
  });

  it('have two spellings of their types on ports, and one in attributes', () => {
    expect(elementTypeOfPort('FP32')).toBe(elementTypeNamed('f32'));
    expect(elementTypeOfPort('f32')).toBe(elementTypeNamed('F32'));
    expect(elementTypeOfPort('BOOL')).toBe(elementTypeNamed('boolean'));
    expect(elementTypeNamed('FP32')).toBeUndefined();
    expect(elementTypeNamed('nf4')).toBeUndefined();
  });
});
