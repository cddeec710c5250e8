/**
 * One conformance case of a kernel: inputs drawn from a seed, attributes and output types. Cases
 * are written in float32; the suite derives the float64 variant by renaming the type.
 */
import type { KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import { allocateArray, type DType } from '../../../src/kernels/dtype.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';

/** A source of reproducible numbers in [0, 1). */
export type Random = () => number;

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, enough for test data. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A seed that depends on the case alone, so that adding cases elsewhere changes no data. */
function seedOf(text: string): number {
  let hash = 2166136261;
  for (const character of text) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  }
  return hash >>> 0;
}

/** The numbers that a case's inputs are drawn from, the same wherever it runs. */
export const randomOf = (kernel: KernelName, name: string): Random => createRandom(seedOf(`${kernel}/${name}`));

export interface KernelCase<K extends KernelName> {
  readonly name: string;
  /** Makes the inputs; called anew for every run. */
  readonly inputs: (random: Random) => readonly HostOperand[];
  readonly attributes: KernelAttributes[K];
  readonly outputs: readonly TensorType[];
  /** Whether the inputs hold NaN or infinities, which not every backend has to keep. */
  readonly special?: boolean;
  /** Size of typical outputs, which the absolute tolerance is multiplied by; 1 by default. */
  readonly magnitude?: number;
}

export type KernelCases = { readonly [K in KernelName]: readonly KernelCase<K>[] };

/** The cases of some kernels; files of one family give these. */
export type SomeKernelCases<K extends KernelName> = Pick<KernelCases, K>;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** An output or input type; float32 unless told otherwise. */
export const type = (shape: readonly number[], dtype: DType = 'float32'): TensorType => ({ shape, dtype });

/** An operand with the given values. */
export function operand(shape: readonly number[], values: ArrayLike<number>, dtype: DType = 'float32'): HostOperand {
  if (values.length !== sizeOf(shape)) {
    throw new Error(`a test operand of shape [${shape}] got ${values.length} values`);
  }
  const array = allocateArray(dtype, values.length);
  for (let index = 0; index < values.length; index++) {
    array[index] = values[index];
  }
  return { shape, dtype, values: array };
}

/** An operand whose elements `draw` gives. */
export const filled = (shape: readonly number[], draw: () => number, dtype: DType = 'float32'): HostOperand =>
  operand(shape, Array.from({ length: sizeOf(shape) }, draw), dtype);

/** Uniform in [low, high). */
export const uniform = (random: Random, shape: readonly number[], low = -2, high = 2): HostOperand =>
  filled(shape, () => low + (high - low) * random());

/** Whole numbers from low to high, both included. */
export const integers = (
  random: Random,
  shape: readonly number[],
  low: number,
  high: number,
  dtype: DType = 'int32',
): HostOperand => filled(shape, () => low + Math.floor((high - low + 1) * random()), dtype);

/** Zeros and ones as bool. */
export const booleans = (random: Random, shape: readonly number[]): HostOperand =>
  integers(random, shape, 0, 1, 'bool');

/** Distinct values in a random order, so that the order of equal elements cannot matter. */
export function distinct(random: Random, shape: readonly number[]): HostOperand {
  const values = Array.from({ length: sizeOf(shape) }, (_, index) => index * 0.25 - 3);
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [values[last], values[other]] = [values[other], values[last]];
  }
  return operand(shape, values);
}
