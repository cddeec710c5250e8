/** Values, shapes and errors of the operations that move elements. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DTypeError, ShapeError } from '../../../src/errors.js';
import { broadcastTo, sum, sumToShape } from '../../../src/ops/movement/broadcast.js';
import { concat, stack } from '../../../src/ops/movement/concat.js';
import { gather, indexSelect } from '../../../src/ops/movement/gather.js';
import { gatherElements } from '../../../src/ops/movement/gatherElements.js';
import { pad } from '../../../src/ops/movement/pad.js';
import { flatten, reshape } from '../../../src/ops/movement/reshape.js';
import { narrow, selectIndex, slice } from '../../../src/ops/movement/slice.js';
import { chunk, split } from '../../../src/ops/movement/split.js';
import { squeeze, unsqueeze } from '../../../src/ops/movement/squeeze.js';
import { tile } from '../../../src/ops/movement/tile.js';
import { permute, transpose } from '../../../src/ops/movement/transpose.js';
import { arange, tensor } from '../../../src/tensor/create.js';
import { sizeOf } from '../../../src/tensor/shape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const counted = (...shape: number[]): Tensor =>
  reshape(arange(sizeOf(shape), undefined, 1, { dtype: 'float32' }), shape);
const values = (x: Tensor): number[] => [...x.dataSync()];
const ints = (list: number[]): Tensor => tensor(list, { dtype: 'int32' });

/** NumPy's slice of a list, element by element. */
function sliceList(list: readonly number[], start: number, stop: number, step: number): number[] {
  const length = list.length;
  const clip = (bound: number): number => {
    const index = bound < 0 ? bound + length : bound;
    return step > 0 ? Math.min(Math.max(index, 0), length) : Math.min(Math.max(index, -1), length - 1);
  };
  const result: number[] = [];
  for (let index = clip(start); step > 0 ? index < clip(stop) : index > clip(stop); index += step) {
    result.push(list[index]);
  }
  return result;
}

describe('slice', () => {
  it('agrees with a walk over a list for all bounds and steps', () => {
    const bound = fc.integer({ min: -9, max: 9 });
    const step = fc.integer({ min: -4, max: 4 }).filter((each) => each !== 0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), bound, bound, step, (length, start, stop, by) => {
        const list = Array.from({ length }, (_, index) => index);
        const result = slice(counted(length), start, stop, by);
        const expected = sliceList(list, start, stop, by);
        expect(result.shape).toEqual([expected.length]);
        expect(values(result)).toEqual(expected);
      }),
    );
  });

  it('takes some axes, infinite bounds and steps', () => {
    const x = counted(2, 3, 4);
    expect(values(slice(x, [0, 1], [1, 2], undefined, [0, -2]))).toEqual([4, 5, 6, 7]);
    expect(values(slice(counted(4), -1, Number.NEGATIVE_INFINITY, -1))).toEqual([3, 2, 1, 0]);
    expect(values(slice(counted(4), 1, Number.POSITIVE_INFINITY, 2))).toEqual([1, 3]);
    expect(slice(x, 1, Number.POSITIVE_INFINITY).shape).toEqual([1, 3, 4]);
  });

  it('refuses what is not a slice', () => {
    expect(() => slice(counted(4), 0, 4, 0)).toThrow(ShapeError);
    expect(() => slice(counted(4), [0, 0], [1, 1])).toThrow(ShapeError);
    expect(() => slice(counted(4, 4), [0, 0], [1, 1], [1, 1], [0, -2])).toThrow(/distinct axes/);
    expect(() => slice(counted(4), 0.5, 4)).toThrow(/whole number/);
    expect(() => slice(counted(4, 4), [0, 0], 4)).toThrow(ShapeError);
  });

  it('narrow and selectIndex', () => {
    const x = counted(2, 3);
    expect(values(narrow(x, 1, -2, 2))).toEqual([1, 2, 4, 5]);
    expect(() => narrow(x, 1, 2, 2)).toThrow(/2 elements from 2 on/);
    expect(selectIndex(x, 0, -1).shape).toEqual([3]);
    expect(values(selectIndex(x, 1, 1))).toEqual([1, 4]);
    expect(() => selectIndex(x, 0, 2)).toThrow(/no index 2/);
  });
});

describe('transpose', () => {
  it('undoes itself by the inverse order', () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(order, (axes) => {
        const x = counted(2, 3, 1, 4);
        const moved = permute(x, axes);
        expect(moved.shape).toEqual(axes.map((axis) => x.shape[axis]));
        const back = permute(
          moved,
          axes.map((_, axis) => axes.indexOf(axis)),
        );
        expect(values(back)).toEqual(values(x));
      }),
    );
  });

  it('reverses by default, exchanges two axes, and checks the order', () => {
    const x = counted(2, 3);
    expect(values(transpose(x))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(transpose(counted(2, 3, 4), 0, -1).shape).toEqual([4, 3, 2]);
    expect(() => transpose(x, [0, 0])).toThrow(/every axis of \[2, 3\] once/);
    expect(() => transpose(x, [0])).toThrow(ShapeError);
  });
});

describe('concat, stack and split', () => {
  it('split undoes concat', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: -2, max: 1 }), (extents, axis) => {
        const parts = extents.map((extent) => (axis === 0 || axis === -2 ? counted(extent, 2) : counted(2, extent)));
        const again = split(concat(parts, axis), extents, axis);
        expect(again.map(values)).toEqual(parts.map(values));
        expect(again.map(({ shape }) => shape)).toEqual(parts.map(({ shape }) => shape));
      }),
    );
  });

  it('stack makes a new axis', () => {
    const result = stack([counted(2), counted(2)], -1);
    expect(result.shape).toEqual([2, 2]);
    expect(values(result)).toEqual([0, 0, 1, 1]);
  });

  it('split and chunk leave a smaller last part', () => {
    expect(split(counted(5), 2).map(values)).toEqual([[0, 1], [2, 3], [4]]);
    expect(chunk(counted(5), 4).map(values)).toEqual([[0, 1], [2, 3], [4]]);
    expect(split(counted(2, 5), [1, -1], 1).map(({ shape }) => shape)).toEqual([
      [2, 1],
      [2, 4],
    ]);
  });

  it('refuses what does not fit', () => {
    expect(() => concat([])).toThrow(ShapeError);
    expect(() => concat([counted(2, 2), counted(2, 3)])).toThrow(/differ on another axis than 0/);
    expect(() => concat([tensor(1), tensor(2)])).toThrow(/scalar/);
    expect(() => concat([counted(2), ints([1])])).toThrow(DTypeError);
    expect(() => split(counted(5), [2, 2])).toThrow(/do not add up/);
    expect(() => split(counted(5), [-1, -1])).toThrow(ShapeError);
    expect(() => split(counted(5), 0)).toThrow(ShapeError);
    expect(() => chunk(counted(5), 1.5)).toThrow(ShapeError);
  });
});

describe('pad', () => {
  it('fills with a constant, repeats the edge, mirrors, and crops', () => {
    const x = counted(3);
    expect(values(pad(x, [2], [1], { value: 9 }))).toEqual([9, 9, 0, 1, 2, 9]);
    expect(values(pad(x, [2], [1], { mode: 'edge' }))).toEqual([0, 0, 0, 1, 2, 2]);
    expect(values(pad(x, [2], [1], { mode: 'reflect' }))).toEqual([2, 1, 0, 1, 2, 1]);
    expect(values(pad(x, [-1], [1]))).toEqual([1, 2, 0]);
  });

  it('refuses amounts that do not fit', () => {
    expect(() => pad(counted(3), [1, 1], [1])).toThrow(/needs 1 amounts/);
    expect(() => pad(counted(3), [3], [0], { mode: 'reflect' })).toThrow(/at most 2/);
    expect(() => pad(counted(3), [-2], [-2])).toThrow(/leave no axis/);
    expect(() => pad(counted(3), [0.5], [0])).toThrow(ShapeError);
    expect(() => pad(counted(0), [1], [0], { mode: 'edge' })).toThrow(ShapeError);
  });
});

describe('gather', () => {
  it('picks slices, with negative indices and the shape of the indices', () => {
    const x = counted(3, 2);
    const result = gather(x, tensor([[0, -1]], { dtype: 'int32' }));
    expect(result.shape).toEqual([1, 2, 2]);
    expect(values(result)).toEqual([0, 1, 4, 5]);
    expect(values(gather(x, tensor([1], { dtype: 'uint8' }), -1))).toEqual([1, 3, 5]);
    expect(values(indexSelect(x, 0, ints([2, 2])))).toEqual([4, 5, 4, 5]);
  });

  it('gatherElements picks one element for each index', () => {
    expect(values(gatherElements(counted(2, 3), tensor([[0], [2]], { dtype: 'int32' }), 1))).toEqual([0, 5]);
  });

  it('refuses indices that cannot be', () => {
    expect(() => gather(counted(3), tensor([1]))).toThrow(/must be int32/);
    expect(() => gather(tensor(1), ints([0]))).toThrow(/scalar/);
    expect(() => gather(counted(3), ints([0]), 1)).toThrow(ShapeError);
    expect(() => gatherElements(counted(2, 3), ints([0]), 1)).toThrow(/do not fit/);
    expect(() => indexSelect(counted(3), 0, tensor([[0]], { dtype: 'int32' }))).toThrow(ShapeError);
  });
});

describe('other shapes', () => {
  it('reshape and flatten', () => {
    expect(reshape(counted(2, 3), [-1, 2]).shape).toEqual([3, 2]);
    expect(flatten(counted(2, 3, 4), 1).shape).toEqual([2, 12]);
    expect(flatten(counted(2, 3, 4), 0, -2).shape).toEqual([6, 4]);
    expect(flatten(tensor(1)).shape).toEqual([1]);
    expect(flatten(counted(2, 3), 1, 1).shape).toEqual([2, 3]);
    expect(() => flatten(counted(2, 3), 1, 0)).toThrow(/comes after the last/);
    expect(() => flatten(counted(2, 3), 2)).toThrow(ShapeError);
    expect(() => reshape(counted(2, 3), [4])).toThrow(/number of elements differs/);
  });

  it('squeeze and unsqueeze', () => {
    expect(squeeze(counted(1, 2, 1)).shape).toEqual([2]);
    expect(squeeze(counted(1, 2, 1), -1).shape).toEqual([1, 2]);
    expect(() => squeeze(counted(2, 1), 0)).toThrow(/extent 2/);
    expect(unsqueeze(counted(2, 3), [0, -1]).shape).toEqual([1, 2, 3, 1]);
    expect(unsqueeze(tensor(1), 0).shape).toEqual([1]);
    expect(() => unsqueeze(counted(2), [0, -3])).toThrow(/one place twice/);
  });

  it('tile repeats', () => {
    expect(values(tile(counted(2), [2]))).toEqual([0, 1, 0, 1]);
    expect(tile(counted(2, 3), [2]).shape).toEqual([2, 6]);
    expect(tile(counted(2), [3, 1]).shape).toEqual([3, 2]);
    expect(() => tile(counted(2), [-1])).toThrow(ShapeError);
  });

  it('sumToShape undoes a broadcast of ones', () => {
    const shape = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 });
    fc.assert(
      fc.property(shape, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), fc.nat(2), (extents, ones, lead) => {
        const from = extents.map((extent, axis) => (ones[axis] ? 1 : extent)).slice(Math.min(lead, extents.length));
        const x = counted(...from);
        const copies = broadcastTo(x, extents);
        const factor = copies.size / x.size;
        const back = sumToShape(copies, from);
        expect(back.shape).toEqual(from);
        expect(values(back)).toEqual(values(x).map((value) => value * factor));
      }),
    );
    expect(() => broadcastTo(counted(3), [2])).toThrow(ShapeError);
    expect(() => broadcastTo(counted(2, 3), [3])).toThrow(ShapeError);
    expect(values(sum(counted(2, 3), -1))).toEqual([3, 12]);
  });
});
