/** Layout, slicing, padding and gathering, straight from their definitions. */
import type { KernelAttributes } from '../../src/kernels/contract.js';
import type { HostOperand } from '../../src/kernels/reference/kernel.js';
import { indicesOf } from './naive.js';
import { accumulate, at, broadcastAt, type Index, type NaiveKernels, replaceAxis, tabulate } from './naiveTools.js';

/** Multi-index in the source of a padded element, or undefined in constant padding. */
function padSource(
  index: Index,
  shape: readonly number[],
  { padsBegin, mode }: KernelAttributes['padGradient'],
): Index | undefined {
  const source = index.map((position, axis) => {
    let from = position - padsBegin[axis];
    const last = shape[axis] - 1;
    if (mode === 'edge') {
      return Math.min(Math.max(from, 0), last);
    }
    while (mode === 'reflect' && (from < 0 || from > last)) {
      from = from < 0 ? -from : 2 * last - from;
    }
    return from;
  });
  return source.every((from, axis) => from >= 0 && from < shape[axis]) ? source : undefined;
}

const wrapIndex = (index: number, extent: number): number | undefined => {
  const position = index < 0 ? index + extent : index;
  return position >= 0 && position < extent ? position : undefined;
};

/** Multi-index in the data of each element of a gather, or undefined outside. */
function gatherSource(index: Index, shape: readonly number[], indices: HostOperand, axis: number): Index | undefined {
  const rank = indices.shape.length;
  const position = wrapIndex(at(indices, index.slice(axis, axis + rank)), shape[axis]);
  return position === undefined ? undefined : [...index.slice(0, axis), position, ...index.slice(axis + rank)];
}

function gatherElementsSource(
  index: Index,
  shape: readonly number[],
  indices: HostOperand,
  axis: number,
): Index | undefined {
  const position = wrapIndex(at(indices, index), shape[axis]);
  return position === undefined ? undefined : replaceAxis(index, axis, position);
}

const sliceSource = (index: Index, { begin, steps }: KernelAttributes['slice']): Index =>
  index.map((position, axis) => begin[axis] + position * steps[axis]);

export const NAIVE_INDEXING: NaiveKernels<
  | 'broadcast'
  | 'transpose'
  | 'concat'
  | 'slice'
  | 'sliceGradient'
  | 'pad'
  | 'padGradient'
  | 'gather'
  | 'gatherGradient'
  | 'gatherElements'
  | 'gatherElementsGradient'
> = {
  broadcast: ([x], _, [y]) => [tabulate(y.shape, (index) => broadcastAt(x, index))],

  transpose: ([x], { order }, [y]) => [
    tabulate(y.shape, (index) =>
      at(
        x,
        x.shape.map((_, axis) => index[order.indexOf(axis)]),
      ),
    ),
  ],

  concat: (inputs, { axis }, [y]) => [
    tabulate(y.shape, (index) => {
      let position = index[axis];
      let which = 0;
      while (position >= inputs[which].shape[axis]) {
        position -= inputs[which].shape[axis];
        which++;
      }
      return at(inputs[which], replaceAxis(index, axis, position));
    }),
  ],

  slice: ([x], attributes, [y]) => [tabulate(y.shape, (index) => at(x, sliceSource(index, attributes)))],

  sliceGradient: ([g], attributes, [dx]) => [
    accumulate(dx.shape, (add) => {
      for (const index of indicesOf(g.shape)) {
        add(sliceSource(index, attributes), at(g, index));
      }
    }),
  ],

  pad: ([x], attributes, [y]) => [
    tabulate(y.shape, (index) => {
      const source = padSource(index, x.shape, attributes);
      return source === undefined ? attributes.value : at(x, source);
    }),
  ],

  padGradient: ([g], attributes, [dx]) => [
    accumulate(dx.shape, (add) => {
      for (const index of indicesOf(g.shape)) {
        const source = padSource(index, dx.shape, attributes);
        if (source !== undefined) {
          add(source, at(g, index));
        }
      }
    }),
  ],

  gather: ([data, indices], { axis }, [y]) => [
    tabulate(y.shape, (index) => {
      const source = gatherSource(index, data.shape, indices, axis);
      return source === undefined ? 0 : at(data, source);
    }),
  ],

  gatherGradient: ([g, indices], { axis }, [dData]) => [
    accumulate(dData.shape, (add) => {
      for (const index of indicesOf(g.shape)) {
        const source = gatherSource(index, dData.shape, indices, axis);
        if (source !== undefined) {
          add(source, at(g, index));
        }
      }
    }),
  ],

  gatherElements: ([data, indices], { axis }, [y]) => [
    tabulate(y.shape, (index) => {
      const source = gatherElementsSource(index, data.shape, indices, axis);
      return source === undefined ? 0 : at(data, source);
    }),
  ],

  gatherElementsGradient: ([g, indices], { axis }, [dData]) => [
    accumulate(dData.shape, (add) => {
      for (const index of indicesOf(g.shape)) {
        const source = gatherElementsSource(index, dData.shape, indices, axis);
        if (source !== undefined) {
          add(source, at(g, index));
        }
      }
    }),
  ],
};
