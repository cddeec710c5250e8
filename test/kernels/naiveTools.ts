/**
 * What the naive definitions share: reading operands by multi-index and tabulating results. All
 * of it is one output element at a time, slow and independent of src/.
 */
import type { KernelAttributes, KernelName, TensorType } from '../../src/kernels/contract.js';
import type { HostOperand } from '../../src/kernels/reference/kernel.js';
import { flatten, indicesOf, sizeOf } from './naive.js';

export type NaiveKernel<K extends KernelName> = (
  inputs: readonly HostOperand[],
  attributes: KernelAttributes[K],
  outputs: readonly TensorType[],
) => ArrayLike<number>[];

/** Naive definitions of some kernels. */
export type NaiveKernels<K extends KernelName> = { readonly [Each in K]: NaiveKernel<Each> };

export type Index = readonly number[];

/** The element at a multi-index. */
export const at = ({ shape, values }: HostOperand, index: Index): number => values[flatten(index, shape)];

/** The element that a NumPy broadcast of the operand shows at `index`. */
export const broadcastAt = (operand: HostOperand, index: Index): number => {
  const aligned = index.slice(index.length - operand.shape.length);
  return at(
    operand,
    aligned.map((position, axis) => (operand.shape[axis] === 1 ? 0 : position)),
  );
};

/** The output whose element at each multi-index `element` gives. */
export const tabulate = (shape: Index, element: (index: Index) => number): number[] =>
  Array.from(indicesOf(shape), element);

/** The output made of zeros and what `scatter` adds at multi-indices. */
export function accumulate(shape: Index, scatter: (add: (index: Index, value: number) => void) => void): number[] {
  const values = new Array<number>(sizeOf(shape)).fill(0);
  scatter((index, value) => {
    values[flatten(index, shape)] += value;
  });
  return values;
}

/** `index` with its position on one axis replaced. */
export const replaceAxis = (index: Index, axis: number, position: number): number[] => [
  ...index.slice(0, axis),
  position,
  ...index.slice(axis + 1),
];

/** Half to even by cases. */
export function naiveRound(value: number): number {
  if (!Number.isFinite(value)) {
    return value;
  }
  const below = Math.floor(value);
  const fraction = value - below;
  const up = fraction > 0.5 || (fraction === 0.5 && Math.abs(below) % 2 === 1);
  return up ? below + 1 : below;
}
