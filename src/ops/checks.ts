/** Checks on input types that many operations share, with errors that name the operation. */
import { DTypeError, ShapeError } from '../errors.js';
import type { TensorType } from '../kernels/contract.js';
import { type DType, isFloating } from '../kernels/dtype.js';
import { formatShape } from '../tensor/shape.js';

/** Attributes of operations that have none. */
export type NoAttributes = Record<string, never>;
export const NO_ATTRIBUTES: NoAttributes = {};

export function requireFloat(where: string, ...types: readonly TensorType[]): void {
  for (const { dtype } of types) {
    if (!isFloating(dtype)) {
      throw new DTypeError(
        'FLOAT_NEEDED',
        `${where} needs floating-point tensors, but got ${dtype}. Convert with .cast('float32').`,
        { dtype },
      );
    }
  }
}

/** Checks that a tensor holds floating-point values, any numbers, or truth values. */
export function requireDomain(where: string, domain: 'float' | 'number' | 'bool', { dtype, shape }: TensorType): void {
  if (domain === 'float') requireFloat(where, { dtype, shape });
  else if ((dtype === 'bool') !== (domain === 'bool')) {
    const needed = domain === 'bool' ? 'bool tensors' : 'numbers';
    throw new DTypeError('DTYPE_UNSUPPORTED', `${where} needs ${needed}, but got ${dtype}. Convert with .cast().`, {
      dtype,
    });
  }
}

export function requireSameDType(where: string, ...types: readonly TensorType[]): DType {
  const { dtype } = types[0];
  for (const type of types) {
    if (type.dtype !== dtype) {
      throw new DTypeError(
        'DTYPE_MISMATCH',
        `${where}: its inputs have different dtypes, ${dtype} and ${type.dtype}. Convert one with .cast().`,
        {
          left: dtype,
          right: type.dtype,
        },
      );
    }
  }
  return dtype;
}

export function requireRank(where: string, { shape }: TensorType, rank: number, what: string): void {
  if (shape.length !== rank) {
    throw new ShapeError(
      'RANK_MISMATCH',
      `${where}: ${what} must have ${rank} axes, but its shape is ${formatShape(shape)}.`,
      { shape, rank },
    );
  }
}
