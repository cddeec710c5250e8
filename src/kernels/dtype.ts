/** Element types of tensors, and the typed arrays that hold them on the host. */

/** Element types that a `Tensor` can have. `float64` exists on the reference backend only. */
export type DType = 'float32' | 'float64' | 'int32' | 'int8' | 'uint8' | 'bool';

/** Host arrays that hold tensor values. `bool` is a Uint8Array of zeros and ones. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array;

interface ArrayConstructor {
  new (length: number): TypedArray;
  new (values: ArrayLike<number>): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

const CONSTRUCTORS: Readonly<Record<DType, ArrayConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

export const DTYPES = Object.keys(CONSTRUCTORS) as readonly DType[];

export const isFloating = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/** A zero-filled host array for `length` elements. */
export const allocateArray = (dtype: DType, length: number): TypedArray => new CONSTRUCTORS[dtype](length);

/** The host array class of a dtype. */
export const arrayConstructor = (dtype: DType): ArrayConstructor => CONSTRUCTORS[dtype];

export const bytesPerElement = (dtype: DType): number => CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
