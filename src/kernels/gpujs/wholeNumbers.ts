/**
 * Integers and bools on the device. Its memory holds float32 alone, in which whole numbers below 2^24 are exact: enough for
 * classes, positions and masks, which therefore stay there. Host copies are converted. Larger numbers stay on the host.
 */
import { arrayConstructor, type DType, type TypedArray } from '../dtype.js';

/** The first whole number that float32 skips is one more. */
const MOST = 2 ** 24;

/** Whether all values of a host array are the same as float32. */
export function fitsFloat32(values: TypedArray): boolean {
  if (values instanceof Float64Array) return false;
  if (!(values instanceof Int32Array)) return true;
  return values.every((value) => value >= -MOST && value <= MOST);
}

/** The values as the device holds them. */
export const toFloat32 = (values: TypedArray): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values);

/** Values from the device as a host array of their dtype. */
export function fromFloat32(values: Float32Array, dtype: DType): TypedArray {
  if (dtype === 'float32') return values;
  // A conversion from float saturates at 2^31 - 1, which float32 does not have.
  if (dtype === 'int32') return Int32Array.from(values, (value) => Math.min(value, 2147483647));
  return new (arrayConstructor(dtype))(values);
}
