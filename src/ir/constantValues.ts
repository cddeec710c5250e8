/** The values of constants in a `.bin` file. Offsets follow no alignment, and ranges may overlap. */
import { FormatError, UnsupportedError } from '../errors.js';
import { allocateArray, type TypedArray } from '../kernels/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ElementType } from './elementTypes.js';
import { hostTensor } from './hostTensor.js';

/** A constant that was read: its type, shape and bytes. */
export class ConstantValues {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly #bytes: Uint8Array;
  /** For errors. */
  readonly #where: string;
  readonly #size: number;

  /** @throws FormatError if there are not as many bytes as the shape needs. */
  constructor(type: ElementType, shape: readonly number[], bytes: Uint8Array, where: string) {
    this.type = type;
    this.shape = shape;
    this.#bytes = bytes;
    this.#where = where;
    this.#size = shape.reduce((size, extent) => size * extent, 1);
    const needed = Math.ceil((this.#size * type.bits) / 8);
    if (bytes.length < needed) {
      throw new FormatError(
        'CONST_SIZE',
        `${where}: shape [${shape.join(', ')}] of ${type.name} needs ${needed} bytes, but its size is ${bytes.length}.`,
        { needed, size: bytes.length },
      );
    }
  }

  /** The values as numbers; 64-bit ones beyond 2^53 are rounded. */
  numbers(): number[] {
    const read = this.#reader();
    return Array.from({ length: this.#size }, (_, index) => read(index));
  }

  /** @throws UnsupportedError `INTEGER_RANGE` for whole numbers that int32 does not hold. */
  tensor(): Tensor {
    const { dtype, name } = this.type;
    const values = allocateArray(dtype, this.#size);
    if (SAME_AS_HERE.has(name)) new Uint8Array(values.buffer).set(this.#bytes.subarray(0, values.byteLength));
    else this.#convert(values);
    return hostTensor(values, this.shape, dtype);
  }

  #convert(values: TypedArray): void {
    const read = this.#reader();
    for (let index = 0; index < values.length; index++) {
      const value = read(index);
      if (values instanceof Int32Array && (value < -(2 ** 31) || value >= 2 ** 31)) {
        throw new UnsupportedError(
          'INTEGER_RANGE',
          `${this.#where}: the ${this.type.name} value ${value} does not fit the 32 bits that whole numbers have here.`,
          { value },
        );
      }
      values[index] = value;
    }
  }

  #reader(): (index: number) => number {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return elementReader(this.type, new DataView(buffer, byteOffset, byteLength));
  }
}

/** Types whose bytes are those of the typed array, on the little-endian machines that JavaScript is common on. */
const SAME_AS_HERE = new Set(['f32', 'f64', 'i32', 'i8', 'u8']);

const READERS: Readonly<Record<string, (view: DataView, index: number) => number>> = {
  f32: (view, index) => view.getFloat32(4 * index, true),
  f64: (view, index) => view.getFloat64(8 * index, true),
  f16: (view, index) => halfFloat(view.getUint16(2 * index, true)),
  bf16: (view, index) => brainFloat(view.getUint16(2 * index, true)),
  i64: (view, index) => Number(view.getBigInt64(8 * index, true)),
  u64: (view, index) => Number(view.getBigUint64(8 * index, true)),
  i32: (view, index) => view.getInt32(4 * index, true),
  u32: (view, index) => view.getUint32(4 * index, true),
  i16: (view, index) => view.getInt16(2 * index, true),
  u16: (view, index) => view.getUint16(2 * index, true),
  i8: (view, index) => view.getInt8(index),
  u8: (view, index) => view.getUint8(index),
  boolean: (view, index) => Number(view.getUint8(index) !== 0),
  // Two in a byte, the low half first.
  u4: (view, index) => (view.getUint8(index >> 1) >> (4 * (index & 1))) & 15,
  i4: (view, index) => (view.getUint8(index >> 1) << (28 - 4 * (index & 1))) >> 28,
};

function elementReader({ name }: ElementType, view: DataView): (index: number) => number {
  const read = READERS[name];
  return (index) => read(view, index);
}

/** IEEE 754 binary16. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a binary32. */
function brainFloat(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}
