/**
 * Index arithmetic shared by the reference kernels: strides of dense and of broadcast operands,
 * merging of axes, and the walk over rows.
 *
 * A kernel over several operands asks for a `RowPlan`: the fewest axes that describe how all of
 * them move together. Its last axis is the row that the kernel loops over with one stride per
 * operand (0 where an operand repeats), so same-shape, scalar, channel and trailing broadcasts all
 * become long plain loops.
 */

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) {
    size *= extent;
  }
  return size;
}

/** Row-major strides in elements. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Strides with which a dense operand of shape `shape` is read as `target` (NumPy broadcasting): 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const dense = denseStrides(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : dense[axis - missing]));
}

/** How several operands move together: `outer` axes to walk, and rows of `length` elements. */
export interface RowPlan {
  readonly outer: readonly number[];
  /** Strides along the outer axes, per operand. */
  readonly outerStrides: readonly (readonly number[])[];
  readonly length: number;
  /** Stride along the row, per operand. */
  readonly strides: readonly number[];
}

/** Drops axes of extent 1 and merges neighbours that all operands walk without a jump. */
export function planRows(extents: readonly number[], operandStrides: readonly (readonly number[])[]): RowPlan {
  const merged: number[] = [];
  const strides: number[][] = operandStrides.map(() => []);
  for (let axis = 0; axis < extents.length; axis++) {
    const extent = extents[axis];
    if (extent === 1) {
      continue;
    }
    const last = merged.length - 1;
    const mergeable = last >= 0 && operandStrides.every((each, index) => strides[index][last] === each[axis] * extent);
    if (mergeable) {
      merged[last] *= extent;
    } else {
      merged.push(extent);
    }
    const at = merged.length - 1;
    operandStrides.forEach((each, index) => {
      strides[index][at] = each[axis];
    });
  }
  const length = merged.pop() ?? 1;
  return {
    outer: merged,
    outerStrides: strides.map((each) => each.slice(0, merged.length)),
    length,
    strides: strides.map((each) => each[merged.length] ?? 0),
  };
}

/** Plans rows over a dense output of shape `target` and operands broadcast to it. Operand 0 of the plan is the output. */
export const planBroadcast = (target: readonly number[], shapes: readonly (readonly number[])[]): RowPlan =>
  planRows(target, [denseStrides(target), ...shapes.map((shape) => broadcastStrides(shape, target))]);

/** Calls `visit` with the operands' offsets at the start of every row. The array is reused between calls. */
export function forEachRow(plan: RowPlan, visit: (offsets: readonly number[]) => void): void {
  const { outer, outerStrides, length } = plan;
  const rows = sizeOf(outer);
  if (rows === 0 || length === 0) {
    return;
  }
  const offsets = outerStrides.map(() => 0);
  const position = outer.map(() => 0);
  for (let row = 0; row < rows; row++) {
    visit(offsets);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      position[axis]++;
      const wraps = position[axis] === outer[axis];
      const steps = wraps ? 1 - outer[axis] : 1;
      for (let index = 0; index < offsets.length; index++) {
        offsets[index] += steps * outerStrides[index][axis];
      }
      if (!wraps) {
        break;
      }
      position[axis] = 0;
    }
  }
}

/** A dense tensor seen as [outer, extent, inner] around one axis. */
export interface AxisView {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
}

export const viewAxis = (shape: readonly number[], axis: number): AxisView => ({
  outer: sizeOf(shape.slice(0, axis)),
  extent: shape[axis],
  inner: sizeOf(shape.slice(axis + 1)),
});
