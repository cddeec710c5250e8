/** Arithmetic on shapes, as properties. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShapeError, ValidationError } from '../../src/errors.js';
import {
  broadcastShapes,
  DYNAMIC,
  formatShape,
  isStatic,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  resolveReshape,
  sameShape,
  sizeOf,
  stridesOf,
} from '../../src/tensor/shape.js';

const extents = (maxLength = 4, min = 1): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min, max: 5 }), { maxLength });

describe('broadcastShapes', () => {
  it('of shapes made from one by ones and dropped axes is that one, both ways', () => {
    fc.assert(
      fc.property(extents(), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4), (full, flags, drop) => {
        const small = full.map((extent, axis) => (flags[axis] ? 1 : extent)).slice(Math.min(drop, full.length));
        expect(broadcastShapes(full, small, 'test')).toEqual(full);
        expect(broadcastShapes(small, full, 'test')).toEqual(full);
      }),
    );
  });

  it('carries unknown extents through', () => {
    expect(broadcastShapes([DYNAMIC, 1], [3], 'test')).toEqual([DYNAMIC, 3]);
    expect(broadcastShapes([DYNAMIC], [DYNAMIC], 'test')).toEqual([DYNAMIC]);
    // Another extent than 1 can only meet an equal one.
    expect(broadcastShapes([DYNAMIC], [3], 'test')).toEqual([3]);
    expect(broadcastShapes([3], [DYNAMIC], 'test')).toEqual([3]);
  });

  it('names what does not fit', () => {
    expect(() => broadcastShapes([2, 3], [4, 3], 'add')).toThrow(
      /add: shapes \[2, 3\] and \[4, 3\].*axis 0 has 2 and 4/,
    );
    expect(broadcastShapes([0], [1], 'test')).toEqual([0]);
    expect(() => broadcastShapes([0], [2], 'test')).toThrow(ShapeError);
  });
});

describe('axes', () => {
  it('count from both ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(5), (rank, axis) => {
        fc.pre(axis < rank);
        expect(normalizeAxis(axis, rank, 'test')).toBe(axis);
        expect(normalizeAxis(axis - rank, rank, 'test')).toBe(axis);
      }),
    );
  });

  it('are sorted, distinct and in range', () => {
    expect(normalizeAxes([2, -3, 0], 3, 'test')).toEqual([0, 2]);
    expect(normalizeAxes(undefined, 2, 'test')).toEqual([0, 1]);
    expect(normalizeAxes(-1, 2, 'test')).toEqual([1]);
    for (const axis of [3, -4, 0.5, Number.NaN]) expect(() => normalizeAxis(axis, 3, 'sum')).toThrow(ShapeError);
    expect(() => normalizeAxis(3, 3, 'sum')).toThrow(/sum: axis 3 .*\(use -3 to 2\)/);
    // As PyTorch, a scalar takes the axes 0 and -1, and has none.
    expect([normalizeAxes(0, 0, 'test'), normalizeAxes(-1, 0, 'test')]).toEqual([[], []]);
    expect(() => normalizeAxes(1, 0, 'test')).toThrow(ShapeError);
  });

  it('reduced are kept as ones or left out', () => {
    expect(reducedShape([2, 3, 4], [0, 2], true)).toEqual([1, 3, 1]);
    expect(reducedShape([2, 3, 4], [0, 2], false)).toEqual([3]);
  });
});

describe('sizes', () => {
  it('strides step through a dense tensor', () => {
    fc.assert(
      fc.property(extents(), (shape) => {
        const strides = stridesOf(shape);
        const last = shape.reduce((offset, extent, axis) => offset + (extent - 1) * strides[axis], 0);
        expect(last).toBe(sizeOf(shape) - 1);
      }),
    );
  });

  it('of unknown extents are not known', () => {
    expect(() => sizeOf([2, DYNAMIC])).toThrow(/\[2, \?\]/);
    expect([isStatic([2]), isStatic([DYNAMIC]), formatShape([])]).toEqual([true, false, '[]']);
    expect([sameShape([1, 2], [1, 2]), sameShape([1], [1, 1])]).toEqual([true, false]);
  });
});

describe('resolveReshape', () => {
  /** A shape, and another one with as many elements: its factors in new groups. */
  const regrouped = fc.tuple(extents(5), fc.array(fc.nat(3), { minLength: 5, maxLength: 5 })).map(([from, groups]) => {
    const target = [1, 1, 1, 1];
    for (const [axis, extent] of from.entries()) target[groups[axis]] *= extent;
    return { from, target };
  });

  it('keeps a shape with as many elements, and finds one that is left open', () => {
    fc.assert(
      fc.property(regrouped, fc.nat(3), ({ from, target }, open) => {
        expect(resolveReshape(from, target, false, 'test')).toEqual(target);
        const asked = target.map((extent, axis) => (axis === open ? -1 : extent));
        expect(resolveReshape(from, asked, false, 'test')).toEqual(target);
      }),
    );
  });

  it('refuses another number of elements', () => {
    fc.assert(
      fc.property(regrouped, ({ from, target }) => {
        expect(() => resolveReshape(from, [...target, 2], false, 'reshape')).toThrow(ShapeError);
      }),
    );
    expect(() => resolveReshape([6], [4, -1], false, 'reshape')).toThrow(/number of elements differs/);
    expect(() => resolveReshape([6], [-1, -1], false, 'reshape')).toThrow(ValidationError);
    expect(() => resolveReshape([6], [2.5], false, 'reshape')).toThrow(ShapeError);
    expect(() => resolveReshape([6], [-6], false, 'reshape')).toThrow(ShapeError);
  });

  it('copies extents for zeros, through unknown ones', () => {
    fc.assert(
      fc.property(extents(4), (shape) => {
        fc.pre(shape.length > 1);
        const asked = [0, -1];
        expect(resolveReshape(shape, asked, true, 'test')).toEqual([shape[0], sizeOf(shape.slice(1))]);
        expect(resolveReshape([DYNAMIC, ...shape.slice(1)], asked, true, 'test')).toEqual([
          DYNAMIC,
          sizeOf(shape.slice(1)),
        ]);
      }),
    );
    expect(resolveReshape([DYNAMIC, 6], [0, 2, 3], true, 'test')).toEqual([DYNAMIC, 2, 3]);
    expect(resolveReshape([2, DYNAMIC], [-1], false, 'test')).toEqual([DYNAMIC]);
    expect(() => resolveReshape([2], [0, 0], true, 'test')).toThrow(ShapeError);
  });

  it('with no elements', () => {
    expect(resolveReshape([0, 3], [3, 0], false, 'test')).toEqual([3, 0]);
    expect(resolveReshape([0, 3], [-1, 3], false, 'test')).toEqual([0, 3]);
  });
});
