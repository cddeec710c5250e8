/**
 * Gathering by index and the gradients of it. Negative indices count from the end. An index outside
 * the axis reads zero and receives no gradient, as in OpenVINO's Gather-8: a kernel cannot throw on data.
 */
import type { TypedArray } from '../dtype.js';
import type { HostOperand, ReferenceKernel } from './kernel.js';
import { denseStrides, forEachRow, planRows, viewAxis } from './strides.js';

/** The position that `index` means on an axis of `extent`; -1 outside. */
function resolveIndex(index: number, extent: number): number {
  const position = index < 0 ? index + extent : index;
  return position >= 0 && position < extent ? position : -1;
}

/** Calls `visit` with the offsets of every run of `inner` elements that a gather copies. */
function forEachGathered(
  dataShape: readonly number[],
  indices: TypedArray,
  axis: number,
  visit: (dataAt: number, gatheredAt: number, inner: number) => void,
): void {
  const { outer, extent, inner } = viewAxis(dataShape, axis);
  for (let block = 0; block < outer; block++) {
    for (let index = 0; index < indices.length; index++) {
      const position = resolveIndex(indices[index], extent);
      if (position >= 0) {
        visit((block * extent + position) * inner, (block * indices.length + index) * inner, inner);
      }
    }
  }
}

export const gather: ReferenceKernel<'gather'> = ([data, indices], { axis }, [y]) => {
  forEachGathered(data.shape, indices.values, axis, (dataAt, gatheredAt, inner) => {
    for (let offset = 0; offset < inner; offset++) {
      y.values[gatheredAt + offset] = data.values[dataAt + offset];
    }
  });
};

export const gatherGradient: ReferenceKernel<'gatherGradient'> = ([g, indices], { axis }, [dData]) => {
  forEachGathered(dData.shape, indices.values, axis, (dataAt, gatheredAt, inner) => {
    for (let offset = 0; offset < inner; offset++) {
      dData.values[dataAt + offset] += g.values[gatheredAt + offset];
    }
  });
};

/** Calls `visit` with the flat positions in the data and in the indices of every element of `gatherElements`. */
function forEachGatheredElement(
  dataShape: readonly number[],
  indices: HostOperand,
  axis: number,
  visit: (dataAt: number, indexAt: number) => void,
): void {
  const strides = denseStrides(dataShape);
  const extent = dataShape[axis];
  // The axis itself moves only in the indices: its position in the data is what the index says.
  const dataStrides = strides.map((stride, each) => (each === axis ? 0 : stride));
  const plan = planRows(indices.shape, [denseStrides(indices.shape), dataStrides]);
  const [indexStep, dataStep] = plan.strides;
  forEachRow(plan, ([indexOffset, dataOffset]) => {
    for (let step = 0; step < plan.length; step++) {
      const indexAt = indexOffset + step * indexStep;
      const position = resolveIndex(indices.values[indexAt], extent);
      if (position >= 0) {
        visit(dataOffset + step * dataStep + position * strides[axis], indexAt);
      }
    }
  });
}

export const gatherElements: ReferenceKernel<'gatherElements'> = ([data, indices], { axis }, [y]) => {
  forEachGatheredElement(data.shape, indices, axis, (dataAt, indexAt) => {
    y.values[indexAt] = data.values[dataAt];
  });
};

export const gatherElementsGradient: ReferenceKernel<'gatherElementsGradient'> = ([g, indices], { axis }, [dData]) => {
  forEachGatheredElement(dData.shape, indices, axis, (dataAt, indexAt) => {
    dData.values[dataAt] += g.values[indexAt];
  });
};
