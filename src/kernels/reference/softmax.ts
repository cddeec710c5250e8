/** Softmax and its logarithm along an axis. The maximum is subtracted first, so that no exponential overflows. */
import type { TypedArray } from '../dtype.js';
import type { ReferenceKernel } from './kernel.js';
import { type AxisView, viewAxis } from './strides.js';

/** Calls `visit` with the first position of every line along the axis. */
function forEachLine({ outer, extent, inner }: AxisView, visit: (start: number) => void): void {
  for (let block = 0; block < outer; block++) {
    for (let lane = 0; lane < inner; lane++) {
      visit(block * extent * inner + lane);
    }
  }
}

/** Maximum of a line and the sum of exp(x - maximum). NaN anywhere makes the sum NaN. */
function exponentialSum(
  values: TypedArray,
  start: number,
  extent: number,
  stride: number,
): { maximum: number; sum: number } {
  let maximum = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < extent; i++) {
    maximum = Math.max(maximum, values[start + i * stride]);
  }
  let sum = 0;
  for (let i = 0; i < extent; i++) {
    sum += Math.exp(values[start + i * stride] - maximum);
  }
  return { maximum, sum };
}

export const softmax: ReferenceKernel<'softmax'> = ([x], { axis }, [y]) => {
  const view = viewAxis(x.shape, axis);
  const { extent, inner } = view;
  forEachLine(view, (start) => {
    const { maximum, sum } = exponentialSum(x.values, start, extent, inner);
    for (let i = 0; i < extent; i++) {
      const position = start + i * inner;
      y.values[position] = Math.exp(x.values[position] - maximum) / sum;
    }
  });
};

export const logSoftmax: ReferenceKernel<'logSoftmax'> = ([x], { axis }, [y]) => {
  const view = viewAxis(x.shape, axis);
  const { extent, inner } = view;
  forEachLine(view, (start) => {
    const { maximum, sum } = exponentialSum(x.values, start, extent, inner);
    const logarithm = Math.log(sum);
    for (let i = 0; i < extent; i++) {
      const position = start + i * inner;
      y.values[position] = x.values[position] - maximum - logarithm;
    }
  });
};
