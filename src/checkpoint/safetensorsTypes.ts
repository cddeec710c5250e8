/**
 * Element types of the safetensors format and how their bytes become host arrays. The format knows
 * more types than tensors here do: half precision becomes float32 and the other integers int32, both
 * without loss, or the file is refused.
 */
import { UnsupportedError } from '../errors.js';
import { arrayConstructor, type DType, type TypedArray } from '../kernels/dtype.js';

/** What a safetensors element type becomes. */
export interface ElementType {
  readonly bytes: number;
  readonly dtype: DType;
  /** Converts little-endian bytes, which start at offset 0 of a buffer of their own; undefined when they are a dtype's as they stand. */
  readonly convert?: (buffer: ArrayBuffer, describe: () => string) => TypedArray;
}

const NAMES: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

/** The format's name of a dtype; undefined for what is no dtype. */
export const elementTypeName = (dtype: DType): string | undefined =>
  Object.hasOwn(NAMES, dtype) ? NAMES[dtype] : undefined;

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent, 10 bits fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const halfToFloat = (buffer: ArrayBuffer): Float32Array => Float32Array.from(new Uint16Array(buffer), halfToNumber);

/** bfloat16 is the upper half of a float32. */
const brainToFloat = (buffer: ArrayBuffer): Float32Array =>
  new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);

/** Integers of another type, if every value fits int32. */
function toInt32(values: ArrayLike<number | bigint>, describe: () => string): Int32Array {
  const result = new Int32Array(values.length);
  for (let index = 0; index < result.length; index++) {
    const value = Number(values[index]);
    result[index] = value;
    if (result[index] !== value) {
      throw new UnsupportedError(
        'VALUE_OUT_OF_RANGE',
        `${describe()} holds ${values[index]} at index ${index}, which does not fit int32. Save it as I32 or F32 instead.`,
        { index, value: String(values[index]) },
      );
    }
  }
  return result;
}

const TYPES: Readonly<Record<string, ElementType>> = {
  F32: { bytes: 4, dtype: 'float32' },
  F64: { bytes: 8, dtype: 'float64' },
  I32: { bytes: 4, dtype: 'int32' },
  I8: { bytes: 1, dtype: 'int8' },
  U8: { bytes: 1, dtype: 'uint8' },
  BOOL: { bytes: 1, dtype: 'bool' },
  F16: { bytes: 2, dtype: 'float32', convert: halfToFloat },
  BF16: { bytes: 2, dtype: 'float32', convert: brainToFloat },
  I16: { bytes: 2, dtype: 'int32', convert: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  U16: { bytes: 2, dtype: 'int32', convert: (buffer) => Int32Array.from(new Uint16Array(buffer)) },
  U32: { bytes: 4, dtype: 'int32', convert: (buffer, describe) => toInt32(new Uint32Array(buffer), describe) },
  I64: { bytes: 8, dtype: 'int32', convert: (buffer, describe) => toInt32(new BigInt64Array(buffer), describe) },
  U64: { bytes: 8, dtype: 'int32', convert: (buffer, describe) => toInt32(new BigUint64Array(buffer), describe) },
};

/** The element type of a name, or undefined when it is not one that can be read. */
export const findElementType = (name: string): ElementType | undefined =>
  Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;

export const READABLE_ELEMENT_TYPES = Object.keys(TYPES) as readonly string[];

/** The values behind bytes of a file, in an array of their own: the bytes need no alignment and can be let go. */
export function elementsFromBytes(bytes: Uint8Array, type: ElementType, describe: () => string): TypedArray {
  const { buffer } = Uint8Array.from(bytes);
  if (type.convert !== undefined) return type.convert(buffer, describe);
  // A typed array of a buffer: the constructor's declared overloads take a length or values only.
  const View = arrayConstructor(type.dtype) as unknown as new (buffer: ArrayBuffer) => TypedArray;
  return new View(buffer);
}
