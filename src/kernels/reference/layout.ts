/**
 * Reference kernels that move elements without computing: broadcast, transpose, concat, slice with
 * its gradient, and padding with its gradient.
 */
import type { TypedArray } from '../dtype.js';
import type { ReferenceKernel } from './kernel.js';
import { broadcastStrides, denseStrides, forEachRow, planRows, sizeOf } from './strides.js';

/** A strided view of an array: where its first element lies and how far apart the others are. */
interface View {
  readonly values: TypedArray;
  readonly at: number;
  readonly strides: readonly number[];
}

/** Copies `extents` elements from one view to the other. */
function copy(extents: readonly number[], from: View, to: View): void {
  const plan = planRows(extents, [from.strides, to.strides]);
  const { length } = plan;
  const [fromStep, toStep] = plan.strides;
  const [source, target] = [from.values, to.values];
  const contiguous = length > 16 && fromStep === 1 && toStep === 1;
  forEachRow(plan, ([fromOffset, toOffset]) => {
    const [fromAt, toAt] = [from.at + fromOffset, to.at + toOffset];
    if (contiguous) {
      target.set(source.subarray(fromAt, fromAt + length), toAt);
      return;
    }
    for (let index = 0; index < length; index++) {
      target[toAt + index * toStep] = source[fromAt + index * fromStep];
    }
  });
}

const dense = (values: TypedArray, shape: readonly number[]): View => ({ values, at: 0, strides: denseStrides(shape) });

export const broadcast: ReferenceKernel<'broadcast'> = ([x], _attributes, [y]) => {
  copy(y.shape, { values: x.values, at: 0, strides: broadcastStrides(x.shape, y.shape) }, dense(y.values, y.shape));
};

export const transpose: ReferenceKernel<'transpose'> = ([x], { order }, [y]) => {
  const strides = denseStrides(x.shape);
  copy(y.shape, { values: x.values, at: 0, strides: order.map((axis) => strides[axis]) }, dense(y.values, y.shape));
};

export const concat: ReferenceKernel<'concat'> = (inputs, { axis }, [y]) => {
  const strides = denseStrides(y.shape);
  let start = 0;
  for (const { values, shape } of inputs) {
    copy(shape, dense(values, shape), { values: y.values, at: start * strides[axis], strides });
    start += shape[axis];
  }
};

/** The view that `slice` reads of an array of shape `shape`. */
function sliceView(
  values: TypedArray,
  shape: readonly number[],
  begin: readonly number[],
  steps: readonly number[],
): View {
  const strides = denseStrides(shape);
  return {
    values,
    at: begin.reduce((offset, first, axis) => offset + first * strides[axis], 0),
    strides: strides.map((stride, axis) => stride * steps[axis]),
  };
}

export const slice: ReferenceKernel<'slice'> = ([x], { begin, steps }, [y]) => {
  copy(y.shape, sliceView(x.values, x.shape, begin, steps), dense(y.values, y.shape));
};

export const sliceGradient: ReferenceKernel<'sliceGradient'> = ([g], { begin, steps }, [dx]) => {
  copy(g.shape, dense(g.values, g.shape), sliceView(dx.values, dx.shape, begin, steps));
};

type PadMode = 'constant' | 'edge' | 'reflect';

/** The input index along one axis that gives each output index; -1 for the padding value. */
function sourceIndices(inputExtent: number, outputExtent: number, padBegin: number, mode: PadMode): Int32Array {
  const last = inputExtent - 1;
  return Int32Array.from({ length: outputExtent }, (_, index) => {
    const position = index - padBegin;
    if (position >= 0 && position <= last) {
      return position;
    }
    switch (mode) {
      case 'constant':
        return -1;
      case 'edge':
        return position < 0 ? 0 : last;
      case 'reflect': {
        // The mirrored signal repeats after 2 * last, the border itself being shown once.
        const period = Math.max(2 * last, 1);
        const phase = ((position % period) + period) % period;
        return Math.min(phase, period - phase);
      }
    }
  });
}

/**
 * Walks the padded tensor row by row: `visit(outputAt, inputAt, sources)` gets the row's offsets and the source of each of
 * its elements. Rows that lie in constant padding are left out.
 */
function forEachPaddedRow(
  inputShape: readonly number[],
  outputShape: readonly number[],
  padsBegin: readonly number[],
  mode: PadMode,
  visit: (outputAt: number, inputAt: number, sources: Int32Array) => void,
): void {
  const rank = inputShape.length;
  if (rank === 0) {
    visit(0, 0, Int32Array.of(0));
    return;
  }
  if (sizeOf(inputShape) === 0) {
    return;
  }
  const sources = inputShape.map((extent, axis) => sourceIndices(extent, outputShape[axis], padsBegin[axis], mode));
  const inputStrides = denseStrides(inputShape);
  const rowLength = outputShape[rank - 1];
  const walk = (axis: number, row: number, inputAt: number): void => {
    if (axis === rank - 1) {
      visit(row * rowLength, inputAt, sources[axis]);
      return;
    }
    for (let index = 0; index < outputShape[axis]; index++) {
      const source = sources[axis][index];
      if (source >= 0) {
        walk(axis + 1, row * outputShape[axis] + index, inputAt + source * inputStrides[axis]);
      }
    }
  };
  walk(0, 0, 0);
}

export const pad: ReferenceKernel<'pad'> = ([x], { padsBegin, mode, value }, [y]) => {
  if (mode === 'constant') {
    y.values.fill(value);
  }
  forEachPaddedRow(x.shape, y.shape, padsBegin, mode, (outputAt, inputAt, sources) => {
    for (let index = 0; index < sources.length; index++) {
      if (sources[index] >= 0) {
        y.values[outputAt + index] = x.values[inputAt + sources[index]];
      }
    }
  });
};

export const padGradient: ReferenceKernel<'padGradient'> = ([g], { padsBegin, mode }, [dx]) => {
  forEachPaddedRow(dx.shape, g.shape, padsBegin, mode, (outputAt, inputAt, sources) => {
    for (let index = 0; index < sources.length; index++) {
      if (sources[index] >= 0) {
        dx.values[inputAt + sources[index]] += g.values[outputAt + index];
      }
    }
  });
};
