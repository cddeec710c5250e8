/** Reads fixtures/vectors.json, which make_vectors.py wrote, and compares tensors with it. */
import { readFileSync } from 'node:fs';
import { allocateArray, type DType } from '../../../src/kernels/dtype.js';
import { fromValues } from '../../../src/tensor/create.js';
import { sizeOf } from '../../../src/tensor/shape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

export interface PackedTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: readonly number[];
}

export interface VectorCase {
  readonly operation: string;
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, PackedTensor>>;
  readonly outputs: readonly PackedTensor[];
  /** Gradient of the first output. */
  readonly upstream?: PackedTensor;
  /** Gradients of inputs by their names. */
  readonly gradients?: Readonly<Record<string, PackedTensor>>;
}

interface Vectors {
  readonly madeWith: Readonly<Record<string, string>>;
  readonly cases: readonly VectorCase[];
}

export const VECTORS = JSON.parse(readFileSync(new URL('fixtures/vectors.json', import.meta.url), 'utf8')) as Vectors;

export function unpack({ shape, dtype, data }: PackedTensor, requiresGrad = false): Tensor {
  const values = allocateArray(dtype, sizeOf(shape));
  values.set(data);
  return fromValues(values, shape, dtype, { requiresGrad });
}

/** Largest difference from the expected values, relative to the largest of them (or 1, if that is larger). */
export function relativeError(found: Tensor, expected: PackedTensor): number {
  if (found.shape.join() !== expected.shape.join())
    throw new Error(`shape [${found.shape}] instead of [${expected.shape}]`);
  if (found.dtype !== expected.dtype) throw new Error(`dtype ${found.dtype} instead of ${expected.dtype}`);
  const values = found.dataSync();
  const scale = expected.data.reduce((largest, each) => Math.max(largest, Math.abs(each)), 1);
  let worst = 0;
  expected.data.forEach((each, index) => {
    const difference = Math.abs(values[index] - each);
    worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference / scale);
  });
  return worst;
}

/** Number of elements that are not bit for bit the expected ones (0 and -0 count as equal). */
export function differingBits(found: Tensor, expected: PackedTensor): number {
  const values = found.dataSync();
  return expected.data.filter((each, index) => values[index] !== Math.fround(each)).length;
}
