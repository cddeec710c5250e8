/** Element types of OpenVINO, and what they are here. */
import type { DType } from '../kernels/dtype.js';

export interface ElementType {
  /** As in `<data>`: `f32`. */
  readonly name: string;
  /** As on ports: `FP32`. */
  readonly precision: string;
  readonly bits: number;
  /** The dtype of tensors that have this type in a file; 64-bit integers become int32. */
  readonly dtype: DType;
}

const type = (name: string, bits: number, dtype: DType, precision = name.toUpperCase()): ElementType => ({
  name,
  precision,
  bits,
  dtype,
});

/** What can be read. */
export const ELEMENT_TYPES: readonly ElementType[] = [
  type('f32', 32, 'float32', 'FP32'),
  type('f64', 64, 'float64', 'FP64'),
  type('f16', 16, 'float32', 'FP16'),
  type('bf16', 16, 'float32', 'BF16'),
  type('i64', 64, 'int32'),
  type('u64', 64, 'int32'),
  type('i32', 32, 'int32'),
  type('u32', 32, 'int32'),
  type('i16', 16, 'int32'),
  type('u16', 16, 'int32'),
  type('i8', 8, 'int8'),
  type('u8', 8, 'uint8'),
  type('i4', 4, 'int8'),
  type('u4', 4, 'uint8'),
  type('boolean', 8, 'bool', 'BOOL'),
];

const BY_NAME = new Map(ELEMENT_TYPES.map((each) => [each.name, each]));
const BY_ANY_NAME = new Map(
  ELEMENT_TYPES.flatMap((each) => [
    [each.name, each],
    [each.precision.toLowerCase(), each],
  ]),
);

/** The type of an attribute such as `element_type`, which takes OpenVINO's names only. */
export const elementTypeNamed = (name: string): ElementType | undefined => BY_NAME.get(name.toLowerCase());

/** The type of a port, which takes both kinds of names. */
export const elementTypeOfPort = (name: string): ElementType | undefined => BY_ANY_NAME.get(name.toLowerCase());

const WRITTEN: Readonly<Record<Exclude<DType, 'float64'>, string>> = {
  float32: 'f32',
  int32: 'i32',
  int8: 'i8',
  uint8: 'u8',
  bool: 'boolean',
};

/** The type that a dtype is written as; undefined for float64, which INT8 deployment has no use for. */
export const elementTypeOf = (dtype: DType): ElementType | undefined =>
  dtype === 'float64' ? undefined : BY_NAME.get(WRITTEN[dtype]);
