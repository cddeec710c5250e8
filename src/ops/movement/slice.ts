/** Slice: part of a tensor, by NumPy's rules: negative bounds count from the end, bounds beyond it are clamped. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { ShapeError } from '../../errors.js';
import { DYNAMIC, formatShape, normalizeAxis, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { squeeze } from './squeeze.js';

export interface SliceAttributes {
  /** First index on each of `axes`. */
  readonly starts: readonly number[];
  /** Index before which each axis stops (after which, for a negative step). */
  readonly stops: readonly number[];
  /** Not zero. */
  readonly steps: readonly number[];
  /** Distinct; they may count from the end. */
  readonly axes: readonly number[];
}

/** Where the slice of one axis begins, and how many elements it takes. */
function resolveAxis(extent: number, start: number, stop: number, step: number): { begin: number; size: number } {
  const fromEnd = (bound: number): number => (bound < 0 ? bound + extent : bound);
  // A negative step may start at the last element and stop before the first.
  const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1];
  const limit = (bound: number): number => Math.min(Math.max(fromEnd(bound), lowest), highest);
  const [begin, end] = [limit(start), limit(stop)];
  const size = Math.max(0, Math.ceil((end - begin) / step));
  // An empty slice reads nothing; its beginning must still lie in the tensor.
  return { begin: size === 0 ? 0 : begin, size };
}

/** Size of a slice of an axis whose extent is not known: only a slice that takes everything, or nothing, is. */
function sizeOfUnknown(start: number, stop: number, step: number): number {
  const sameEnd = start < 0 === stop < 0;
  return sameEnd && (step > 0 ? stop <= start : stop >= start) ? 0 : DYNAMIC;
}

function checkSlice(shape: Shape, { starts, stops, steps, axes }: SliceAttributes): number[] {
  const normalized = axes.map((axis) => normalizeAxis(axis, shape.length, 'slice'));
  const whole = [...starts, ...stops, ...steps].every(Number.isInteger) && !steps.includes(0);
  const lengths = [starts, stops, steps].every(({ length }) => length === axes.length);
  if (!whole || !lengths || axes.length > shape.length || new Set(normalized).size !== axes.length) {
    throw new ShapeError(
      'SLICE_BOUNDS',
      `slice: starts [${starts}], stops [${stops}], steps [${steps}] and axes [${axes}] do not describe a slice of ${formatShape(shape)}: ` +
        'they need one whole number for each of some distinct axes, and no step may be 0.',
      { shape, starts, stops, steps, axes },
    );
  }
  return normalized;
}

/** Beginning, step and size on every axis. */
function resolveSlice(
  shape: Shape,
  attributes: SliceAttributes,
): { begin: number[]; steps: number[]; sizes: number[] } {
  const result = { begin: shape.map(() => 0), steps: shape.map(() => 1), sizes: [...shape] };
  checkSlice(shape, attributes).forEach((axis, index) => {
    const [start, stop, step] = [attributes.starts[index], attributes.stops[index], attributes.steps[index]];
    const extent = shape[axis];
    const resolved =
      extent === DYNAMIC
        ? { begin: 0, size: sizeOfUnknown(start, stop, step) }
        : resolveAxis(extent, start, stop, step);
    result.begin[axis] = resolved.begin;
    result.steps[axis] = step;
    result.sizes[axis] = resolved.size;
  });
  return result;
}

/** "To the end" as IR writes it: the largest and smallest 32-bit integers. */
const FAR = 2147483647;

export const SLICE = defineOperation<SliceAttributes>({
  type: 'Slice',
  infer: ([x], attributes) => [{ shape: resolveSlice(x.shape, attributes).sizes, dtype: x.dtype }],
  lower([x], attributes) {
    const { begin, steps } = resolveSlice(x.shape, attributes);
    return kernelCall('slice', { begin, steps });
  },
  saves: {},
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: 'opset8',
    constants: ({ starts, stops, steps, axes }) =>
      [starts, stops, steps, axes].map((values) => ({ elementType: 'i64', shape: [values.length], values })),
    tensorInputs: 1,
    parse: (_data, [starts, stops, steps, axes]) => ({
      starts: [...starts],
      stops: [...stops],
      steps: [...steps],
      axes: axes ? [...axes] : starts.map((_, axis) => axis),
    }),
  },
});

export const gradientOfSlice: GradientRule<SliceAttributes> = ({ inputTypes, attributes }, [g]) => [
  g && applyOne(SLICE_GRADIENT, [g], { ...attributes, shape: inputTypes[0].shape }),
];

/** Internal: it occurs in backward passes only. */
const SLICE_GRADIENT: OperationDefinition<SliceAttributes & { readonly shape: readonly number[] }> = {
  type: 'SliceGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower(_inputs, attributes) {
    const { begin, steps } = resolveSlice(attributes.shape, attributes);
    return kernelCall('sliceGradient', { begin, steps });
  },
};

const list = (values: number | readonly number[]): number[] => (typeof values === 'number' ? [values] : [...values]);

/**
 * x[starts : stops : steps] by NumPy's rules.
 * @param starts First index on each axis; negative ones count from the end.
 * @param stops Index before which each axis stops; `Infinity` for the end (`-Infinity` to reach the first element with a negative step).
 * @param steps Default: 1. Negative steps walk backwards.
 * @param axes The axes that the other lists are about. Default: the first ones.
 */
export function slice(
  x: Tensor,
  starts: number | readonly number[],
  stops: number | readonly number[],
  steps?: number | readonly number[],
  axes?: number | readonly number[],
): Tensor {
  const bounds = [list(starts), list(stops)].map((values) =>
    values.map((value) => (Number.isFinite(value) ? value : value > 0 ? FAR : -FAR)),
  );
  return applyOne(
    SLICE,
    [x],
    {
      starts: bounds[0],
      stops: bounds[1],
      steps: steps === undefined ? bounds[0].map(() => 1) : list(steps),
      axes: axes === undefined ? bounds[0].map((_, axis) => axis) : list(axes),
    },
    gradientOfSlice,
  );
}

/** `length` elements of `axis` from `start` on. PyTorch's `narrow`. */
export function narrow(x: Tensor, axis: number, start: number, length: number): Tensor {
  const extent = x.shape[normalizeAxis(axis, x.rank, 'narrow')];
  const begin = start < 0 && extent !== DYNAMIC ? start + extent : start;
  if (begin < 0 || length < 0 || (extent !== DYNAMIC && begin + length > extent)) {
    throw new ShapeError(
      'NARROW_RANGE',
      `narrow: ${length} elements from ${start} on do not lie in axis ${axis} of ${formatShape(x.shape)}.`,
      { shape: x.shape, axis, start, length },
    );
  }
  return slice(x, begin, begin + length, 1, axis);
}

/** The slice at `index` of `axis`, without that axis. PyTorch's `select`. */
export function selectIndex(x: Tensor, axis: number, index: number): Tensor {
  const normalized = normalizeAxis(axis, x.rank, 'selectIndex');
  const extent = x.shape[normalized];
  if (!Number.isInteger(index) || (extent !== DYNAMIC && (index < -extent || index >= extent))) {
    throw new ShapeError(
      'INDEX_OUT_OF_RANGE',
      `selectIndex: there is no index ${index} on axis ${axis} of ${formatShape(x.shape)}.`,
      { shape: x.shape, axis, index },
    );
  }
  return squeeze(slice(x, index, index === -1 ? Number.POSITIVE_INFINITY : index + 1, 1, normalized), normalized);
}
