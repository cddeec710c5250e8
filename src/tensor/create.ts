/** Ways to make a tensor. Each takes `{ dtype, backend, requiresGrad }`; float32 on the default backend if not said. */
import { DTypeError, ShapeError } from '../errors.js';
import type { Backend } from '../kernels/contract.js';
import { allocateArray, arrayConstructor, type DType, type TypedArray } from '../kernels/dtype.js';
import { defaultBackend } from './backend.js';
import { defaultGenerator, type Generator } from './random.js';
import { checkShape, formatShape, type Shape, sizeOf } from './shape.js';
import { type NestedArray, Tensor } from './tensor.js';

export interface CreateOptions {
  /** Default: float32, or the type of the typed array given. */
  dtype?: DType;
  /** Default: the backend chosen by `init`. */
  backend?: Backend;
  /** Default: false. */
  requiresGrad?: boolean;
}

export interface RandomOptions extends CreateOptions {
  /** Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** The dtype that a typed array holds; a Uint8Array is taken for uint8, not bool. */
export const dtypeOf = (values: TypedArray): DType => {
  if (values instanceof Float32Array) return 'float32';
  if (values instanceof Float64Array) return 'float64';
  if (values instanceof Int32Array) return 'int32';
  if (values instanceof Int8Array) return 'int8';
  return 'uint8';
};

/** Wraps host values (taken over, not copied) as a tensor. */
export function fromValues(values: TypedArray, shape: Shape, dtype: DType, options: CreateOptions = {}): Tensor {
  const backend = options.backend ?? defaultBackend();
  if (!backend.supportsDType(dtype)) {
    throw new DTypeError(
      'DTYPE_UNSUPPORTED',
      `The ${backend.name} backend has no ${dtype} tensors. Use the reference backend, or float32.`,
      { dtype },
    );
  }
  checkShape(shape, 'tensor');
  if (sizeOf(shape) !== values.length) {
    throw new ShapeError(
      'VALUES_MISMATCH',
      `tensor: shape ${formatShape(shape)} needs ${sizeOf(shape)} values, but ${values.length} were given.`,
    );
  }
  const result = new Tensor(backend.upload(values, dtype), shape, dtype, backend);
  if (options.requiresGrad) result.requiresGrad = true;
  return result;
}

/**
 * A tensor from a number, nested arrays, or a typed array (copied).
 * @param shape Shape of flat values. Default: the nesting of the arrays; rank 1 for a typed array.
 */
export function tensor(
  values: NestedArray | boolean | TypedArray,
  options: CreateOptions & { shape?: Shape } = {},
): Tensor {
  if (ArrayBuffer.isView(values)) {
    const dtype = options.dtype ?? dtypeOf(values);
    return fromValues(new (arrayConstructor(dtype))(values), options.shape ?? [values.length], dtype, options);
  }
  const flat: number[] = [];
  const shape = flatten(typeof values === 'boolean' ? Number(values) : values, flat);
  const dtype = options.dtype ?? (typeof values === 'boolean' ? 'bool' : 'float32');
  const array = new (arrayConstructor(dtype))(dtype === 'bool' ? flat.map((value) => Number(value !== 0)) : flat);
  return fromValues(array, options.shape ?? shape, dtype, options);
}

function flatten(values: NestedArray, into: number[]): number[] {
  if (typeof values === 'number') {
    into.push(values);
    return [];
  }
  if (!Array.isArray(values)) {
    throw new DTypeError(
      'NOT_NUMBERS',
      `tensor: expected numbers or nested arrays of numbers, but found ${typeof values}.`,
    );
  }
  let inner: number[] = [];
  values.forEach((value, index) => {
    const shape = flatten(value, into);
    if (index > 0 && (shape.length !== inner.length || shape.some((extent, axis) => extent !== inner[axis]))) {
      throw new ShapeError(
        'RAGGED',
        `tensor: nested arrays have different lengths: ${formatShape(inner)} and ${formatShape(shape)}.`,
      );
    }
    inner = shape;
  });
  return [values.length, ...inner];
}

/** A tensor filled with one value. */
export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  checkShape(shape, 'full');
  const dtype = options.dtype ?? 'float32';
  return fromValues(
    allocateArray(dtype, sizeOf(shape)).fill(dtype === 'bool' ? Number(value !== 0) : value),
    shape,
    dtype,
    options,
  );
}

export const zeros = (shape: Shape, options?: CreateOptions): Tensor => full(shape, 0, options);
export const ones = (shape: Shape, options?: CreateOptions): Tensor => full(shape, 1, options);

/** A scalar of the dtype and on the backend of `like`. */
export const scalarLike = (like: Tensor, value: number, dtype: DType = like.dtype): Tensor =>
  full([], value, { dtype, backend: like.backend });

/** `start`, `start + step`, ... below `stop` (above, for a negative step). */
export function arange(start: number, stop?: number, step = 1, options: CreateOptions = {}): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  const dtype = options.dtype ?? 'float32';
  const values = allocateArray(dtype, length);
  for (let index = 0; index < length; index++) values[index] = from + index * step;
  return fromValues(values, [length], dtype, options);
}

/** Uniform values in [0, 1). */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  const values = allocateArray(options.dtype ?? 'float32', sizeOf(shape));
  (options.generator ?? defaultGenerator()).fillUniform(values as Float32Array, 0, 1);
  return fromValues(values, shape, options.dtype ?? 'float32', options);
}

/** Values of the standard normal distribution. */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  const values = allocateArray(options.dtype ?? 'float32', sizeOf(shape));
  (options.generator ?? defaultGenerator()).fillNormal(values as Float32Array, 0, 1);
  return fromValues(values, shape, options.dtype ?? 'float32', options);
}

/** Whole numbers in [low, high), int32 if not said. */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  const dtype = options.dtype ?? 'int32';
  const generator = options.generator ?? defaultGenerator();
  const values = allocateArray(dtype, sizeOf(shape));
  for (let index = 0; index < values.length; index++) values[index] = generator.integer(low, high);
  return fromValues(values, shape, dtype, options);
}
