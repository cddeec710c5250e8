/**
 * The elements of a dense tensor as groups along some of its axes: element `i` of group `k` lies at
 * `starts[k] + steps[i]`. Lets one plain loop normalise over any axes without transposing.
 */
import { denseStrides } from './strides.js';

export interface Groups {
  /** Offset of the first element of each group, in row-major order of the axes that are kept. */
  readonly starts: Int32Array;
  /** Offset of each element from its group's first, in row-major order of the grouped axes. */
  readonly steps: Int32Array;
}

/** Offsets of all positions along `axes`. */
function offsetsAlong(shape: readonly number[], axes: readonly number[]): Int32Array {
  const strides = denseStrides(shape);
  let offsets = Int32Array.of(0);
  for (const axis of axes) {
    const extended = new Int32Array(offsets.length * shape[axis]);
    let write = 0;
    for (const offset of offsets) {
      for (let position = 0; position < shape[axis]; position++) {
        extended[write++] = offset + position * strides[axis];
      }
    }
    offsets = extended;
  }
  return offsets;
}

/** Groups the elements that differ in `axes` only. */
export function groupAlong(shape: readonly number[], axes: readonly number[]): Groups {
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  return { starts: offsetsAlong(shape, kept), steps: offsetsAlong(shape, axes) };
}

/** All axes but one. */
export const allAxesBut = (rank: number, axis: number): number[] =>
  Array.from({ length: rank }, (_, each) => each).filter((each) => each !== axis);
