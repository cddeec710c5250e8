/**
 * Reductions over axes and the selection of the k largest or smallest values.
 *
 * Sums are accumulated in double precision in a fixed order, so a result depends on nothing but
 * the input.
 */
import type { ReduceFunction } from '../contract.js';
import type { TypedArray } from '../dtype.js';
import type { ReferenceKernel } from './kernel.js';
import { denseStrides, forEachRow, planRows, sizeOf, viewAxis } from './strides.js';

/** Folds the row x[xAt + i xStep] into totals[at + i step]; `step` is 0 where the row itself is reduced. */
type Accumulate = (
  x: TypedArray,
  xAt: number,
  xStep: number,
  totals: Float64Array,
  at: number,
  step: number,
  length: number,
) => void;

const addRow: Accumulate = (x, xAt, xStep, totals, at, step, length) => {
  if (step === 0) {
    let total = totals[at];
    for (let index = 0; index < length; index++) {
      total += x[xAt + index * xStep];
    }
    totals[at] = total;
    return;
  }
  for (let index = 0; index < length; index++) {
    totals[at + index * step] += x[xAt + index * xStep];
  }
};

const foldRow =
  (combine: (total: number, value: number) => number): Accumulate =>
  (x, xAt, xStep, totals, at, step, length) => {
    for (let index = 0; index < length; index++) {
      const target = at + index * step;
      totals[target] = combine(totals[target], x[xAt + index * xStep]);
    }
  };

interface Reduction {
  readonly initial: number;
  readonly accumulate: Accumulate;
}

const REDUCTIONS: Readonly<Record<ReduceFunction, Reduction>> = {
  sum: { initial: 0, accumulate: addRow },
  mean: { initial: 0, accumulate: addRow },
  prod: { initial: 1, accumulate: foldRow((total, value) => total * value) },
  // Math.max and Math.min carry NaN through.
  max: { initial: Number.NEGATIVE_INFINITY, accumulate: foldRow(Math.max) },
  min: { initial: Number.POSITIVE_INFINITY, accumulate: foldRow(Math.min) },
};

/** Over no elements: sum 0, product 1, mean NaN, max -Infinity, min Infinity. */
export const reduce: ReferenceKernel<'reduce'> = ([x], { function: name, axes }, [y]) => {
  const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const totalStrides = denseStrides(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  const { initial, accumulate } = REDUCTIONS[name];
  const totals = new Float64Array(sizeOf(kept)).fill(initial);
  const plan = planRows(x.shape, [denseStrides(x.shape), totalStrides]);
  const [xStep, step] = plan.strides;
  forEachRow(plan, ([xAt, at]) => accumulate(x.values, xAt, xStep, totals, at, step, plan.length));
  const divisor = name === 'mean' ? sizeOf(axes.map((axis) => x.shape[axis])) : 1;
  for (let index = 0; index < totals.length; index++) {
    y.values[index] = totals[index] / divisor;
  }
};

/** Orders values ascending; NaN counts as larger than every number, as in PyTorch. */
function compareValues(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) {
    return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

export const topK: ReferenceKernel<'topK'> = ([x], { axis, k, mode }, [values, indices]) => {
  const { outer, extent, inner } = viewAxis(x.shape, axis);
  const lane = new Float64Array(extent);
  const order = new Int32Array(extent);
  const direction = mode === 'max' ? -1 : 1;
  for (let laneIndex = 0; laneIndex < outer * inner; laneIndex++) {
    const [block, column] = [Math.floor(laneIndex / inner), laneIndex % inner];
    for (let index = 0; index < extent; index++) {
      lane[index] = x.values[(block * extent + index) * inner + column];
      order[index] = index;
    }
    order.sort((left, right) => direction * compareValues(lane[left], lane[right]) || left - right);
    for (let rank = 0; rank < k; rank++) {
      const target = (block * k + rank) * inner + column;
      values.values[target] = lane[order[rank]];
      indices.values[target] = order[rank];
    }
  }
};
