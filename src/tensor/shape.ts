/**
 * Arithmetic on shapes. An extent of `DYNAMIC` (-1, as OpenVINO writes it) is not known until a
 * graph runs; it only occurs in symbolic tensors, and every rule here carries it through.
 */
import { ShapeError, ValidationError } from '../errors.js';

export type Shape = readonly number[];

/** An extent that is only known when the graph runs, such as the batch size. */
export const DYNAMIC = -1;

export const formatShape = (shape: Shape): string =>
  `[${shape.map((extent) => (extent === DYNAMIC ? '?' : extent)).join(', ')}]`;

export const isStatic = (shape: Shape): boolean => shape.every((extent) => extent !== DYNAMIC);

/** Number of elements of a static shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) {
    if (extent === DYNAMIC) {
      throw new ShapeError(
        'DYNAMIC_SHAPE',
        `The number of elements of ${formatShape(shape)} is not known before the model runs.`,
      );
    }
    size *= extent;
  }
  return size;
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);

/** NumPy's broadcasting rule. `where` names the operation in the error. */
export function broadcastShapes(a: Shape, b: Shape, where: string): number[] {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) result[axis] = left;
    else if (left === 1) result[axis] = right;
    else if (left === DYNAMIC) result[axis] = right;
    else if (right === DYNAMIC) result[axis] = left;
    else {
      throw new ShapeError(
        'BROADCAST_MISMATCH',
        `${where}: shapes ${formatShape(a)} and ${formatShape(b)} cannot be broadcast together (axis ${axis} has ${left} and ${right}). ` +
          'Reshape one of them so that each pair of extents is equal or 1.',
        { left: a, right: b },
      );
    }
  }
  return result;
}

/** Turns an axis that may count from the end into one in 0..rank-1. A scalar counts as having one axis, as in PyTorch. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  if (!Number.isInteger(axis) || axis < -Math.max(rank, 1) || axis >= Math.max(rank, 1)) {
    throw new ShapeError(
      'AXIS_OUT_OF_RANGE',
      `${where}: axis ${axis} is out of range for a tensor with ${rank} axes (use ${-Math.max(rank, 1)} to ${Math.max(rank, 1) - 1}).`,
      { axis, rank },
    );
  }
  return axis < 0 ? axis + Math.max(rank, 1) : axis;
}

/** As `normalizeAxis` for a list: sorted and without repeats. `undefined` means every axis. */
export function normalizeAxes(axes: number | readonly number[] | undefined, rank: number, where: string): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = typeof axes === 'number' ? [axes] : axes;
  const normalized = list.map((axis) => normalizeAxis(axis, rank, where));
  return rank === 0 ? [] : [...new Set(normalized)].sort((a, b) => a - b);
}

/** Shape of a reduction over sorted, non-negative `axes`. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  return keepDims
    ? shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    : shape.filter((_, axis) => !axes.includes(axis));
}

/** Strides in elements of a dense row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Checks that every extent is a whole number of at least 0. */
export function checkShape(shape: Shape, where: string): void {
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 0) {
      throw new ShapeError(
        'INVALID_SHAPE',
        `${where}: ${JSON.stringify(shape)} is not a shape: every extent must be a whole number of at least 0.`,
        { shape },
      );
    }
  }
}

/**
 * Resolves a target shape with at most one -1 (and, with `specialZero`, zeros that copy the input's
 * extent at the same index), by the rule of OpenVINO's Reshape.
 */
export function resolveReshape(from: Shape, target: Shape, specialZero: boolean, where: string): number[] {
  const result = target.map((extent, axis) => {
    if (extent === 0 && specialZero) {
      if (axis >= from.length) throw mismatch(from, target, where);
      return from[axis];
    }
    if (!Number.isInteger(extent) || extent < -1) throw mismatch(from, target, where);
    return extent;
  });
  const copied = new Set(target.flatMap((extent, axis) => (extent === 0 && specialZero ? [axis] : [])));
  const unknown = result.flatMap((extent, axis) => (extent === -1 && !copied.has(axis) ? [axis] : []));
  if (unknown.length > 1) {
    throw new ValidationError(
      'RESHAPE_TWO_UNKNOWNS',
      `${where}: only one extent of ${JSON.stringify(target)} may be -1.`,
      { target },
    );
  }
  // Extents copied from the input cancel on both sides, which also lets a dynamic batch through.
  const rest = from.filter((_, axis) => !copied.has(axis));
  const known = result.filter((_, axis) => !copied.has(axis) && !unknown.includes(axis));
  if (!isStatic(rest)) return result;
  const have = sizeOf(rest);
  const want = known.reduce((product, extent) => product * extent, 1);
  if (unknown.length === 1) {
    if (want === 0 ? have !== 0 : have % want !== 0) throw mismatch(from, target, where);
    result[unknown[0]] = want === 0 ? 0 : have / want;
  } else if (have !== want) throw mismatch(from, target, where);
  return result;
}

const mismatch = (from: Shape, target: Shape, where: string): ShapeError =>
  new ShapeError(
    'RESHAPE_MISMATCH',
    `${where}: a tensor of shape ${formatShape(from)} cannot be reshaped to ${JSON.stringify(target)}: the number of elements differs.`,
    {
      from,
      target,
    },
  );
