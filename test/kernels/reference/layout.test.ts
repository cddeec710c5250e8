/** Layout, slicing, padding and gathering: inverses, and gradients that are the adjoints of their kernels. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, integers, operand, sizeOf, uniform } from '../conformance/kernelCase.js';
import { inner, runKernel } from './runKernel.js';

const shapes = (minimum = 1) => fc.array(fc.integer({ min: minimum, max: 5 }), { minLength: 1, maxLength: 4 });

describe('transpose and concat', () => {
  it('are undone by the inverse order and by slicing', () => {
    fc.assert(
      fc.property(shapes(0), fc.nat(), (shape, seed) => {
        const random = createRandom(seed);
        const x = uniform(random, shape);
        const order = shape.map((_, axis) => axis).sort(() => random() - 0.5);
        const turned = runKernel(
          'transpose',
          [x],
          { order },
          order.map((axis) => shape[axis]),
        );
        const back = runKernel('transpose', [turned], { order: order.map((_, axis) => order.indexOf(axis)) }, shape);
        expect(back.values).toEqual(x.values);

        const axis = seed % shape.length;
        const other = uniform(
          random,
          shape.map((extent, each) => (each === axis ? 2 : extent)),
        );
        const joined = runKernel(
          'concat',
          [x, other],
          { axis },
          shape.map((extent, each) => extent + (each === axis ? 2 : 0)),
        );
        const steps = shape.map(() => 1);
        const zeros = shape.map(() => 0);
        const after = zeros.map((_, each) => (each === axis ? shape[axis] : 0));
        expect(runKernel('slice', [joined], { begin: zeros, steps }, shape).values).toEqual(x.values);
        expect(runKernel('slice', [joined], { begin: after, steps }, other.shape).values).toEqual(other.values);
      }),
    );
  });
});

/** For every axis of a shape: where a slice begins, its step and its size. */
const slices = shapes().chain((shape) =>
  fc
    .tuple(
      ...shape.map((extent) =>
        fc.tuple(fc.nat(extent - 1), fc.constantFrom(-3, -2, -1, 1, 2, 3), fc.nat(5)).map(([begin, step, size]) => {
          const room = Math.floor((step > 0 ? extent - 1 - begin : begin) / Math.abs(step)) + 1;
          return { begin, step, size: Math.min(size, room) };
        }),
      ),
    )
    .map((axes) => ({
      shape,
      result: axes.map((each) => each.size),
      attributes: { begin: axes.map((each) => each.begin), steps: axes.map((each) => each.step) },
    })),
);

describe('slice', () => {
  it('has its gradient as adjoint: <slice x, g> = <x, sliceGradient g>', () => {
    fc.assert(
      fc.property(slices, fc.nat(), ({ shape, result, attributes }, seed) => {
        const random = createRandom(seed);
        const x = integers(random, shape, -9, 9, 'float32');
        const g = integers(random, result, -9, 9, 'float32');
        const y = runKernel('slice', [x], attributes, result);
        const dx = runKernel('sliceGradient', [g], attributes, shape);
        expect(inner(y, g)).toBe(inner(x, dx));
        expect(runKernel('slice', [dx], attributes, result).values).toEqual(g.values);
      }),
    );
  });
});

const pads = shapes().chain((shape) =>
  fc
    .record({
      mode: fc.constantFrom('constant', 'edge', 'reflect'),
      axes: fc.tuple(
        ...shape.map((extent) => fc.tuple(fc.integer({ min: 1 - extent, max: 4 }), fc.integer({ min: 0, max: 4 }))),
      ),
    })
    .map(({ mode, axes }) => ({
      shape,
      result: shape.map((extent, axis) => extent + axes[axis][0] + axes[axis][1]),
      attributes: { mode, padsBegin: axes.map(([begin]) => begin), padsEnd: axes.map(([, end]) => end) },
    })),
);

describe('pad', () => {
  it('has its gradient as adjoint in every mode', () => {
    fc.assert(
      fc.property(pads, fc.nat(), ({ shape, result, attributes }, seed) => {
        const random = createRandom(seed);
        const x = integers(random, shape, -9, 9, 'float32');
        const g = integers(random, result, -9, 9, 'float32');
        const y = runKernel('pad', [x], { ...attributes, value: 0 }, result);
        const dx = runKernel('padGradient', [g], attributes, shape);
        expect(inner(y, g)).toBe(inner(x, dx));
      }),
    );
  });

  it('shows edges and reflections as NumPy does', () => {
    const x = operand([4], [1, 2, 3, 4]);
    const pad = (mode: 'constant' | 'edge' | 'reflect') => [
      ...runKernel('pad', [x], { padsBegin: [3], padsEnd: [2], mode, value: 9 }, [9]).values,
    ];
    expect(pad('constant')).toEqual([9, 9, 9, 1, 2, 3, 4, 9, 9]);
    expect(pad('edge')).toEqual([1, 1, 1, 1, 2, 3, 4, 4, 4]);
    expect(pad('reflect')).toEqual([4, 3, 2, 1, 2, 3, 4, 3, 2]);
  });

  it('fills everything where nothing of the input is left', () => {
    const attributes = { padsBegin: [-2, 0], padsEnd: [1, 0], mode: 'constant', value: 5 } as const;
    expect([...runKernel('pad', [operand([2, 2], [1, 2, 3, 4])], attributes, [1, 2]).values]).toEqual([5, 5]);
  });
});

const gathers = shapes().chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    axis: fc.nat(shape.length - 1),
    indicesShape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
    seed: fc.nat(),
  }),
);

describe('gather and gatherElements', () => {
  it('have their gradients as adjoints, also for repeated, negative and outside indices', () => {
    fc.assert(
      fc.property(gathers, ({ shape, axis, indicesShape, seed }) => {
        const random = createRandom(seed);
        const extent = shape[axis];
        const data = integers(random, shape, -9, 9, 'float32');
        const indices = integers(random, indicesShape, -extent - 1, extent);
        const result = [...shape.slice(0, axis), ...indicesShape, ...shape.slice(axis + 1)];
        const g = integers(random, result, -9, 9, 'float32');
        const y = runKernel('gather', [data, indices], { axis }, result);
        const dData = runKernel('gatherGradient', [g, indices], { axis }, shape);
        expect(inner(y, g)).toBe(inner(data, dData));

        const elementShape = shape.map((each, position) => (position === axis ? 3 : each));
        const elements = integers(random, elementShape, -extent - 1, extent);
        const gElements = integers(random, elementShape, -9, 9, 'float32');
        const yElements = runKernel('gatherElements', [data, elements], { axis }, elementShape);
        const dElements = runKernel('gatherElementsGradient', [gElements, elements], { axis }, shape);
        expect(inner(yElements, gElements)).toBe(inner(data, dElements));
      }),
    );
  });

  it('adds up the gradients of repeated rows', () => {
    const g = operand([3, 2], [1, 2, 10, 20, 100, 200]);
    const dData = runKernel('gatherGradient', [g, operand([3], [1, 1, -1], 'int32')], { axis: 0 }, [2, 2]);
    expect([...dData.values]).toEqual([0, 0, 111, 222]);
  });

  it('reads zero outside the axis', () => {
    const data = operand([2, 1], [5, 6]);
    const indices = operand([4], [2, -3, -1, 0], 'int32');
    expect([...runKernel('gather', [data, indices], { axis: 0 }, [4, 1]).values]).toEqual([0, 0, 6, 5]);
  });
});

describe('empty tensors', () => {
  it('pass through every layout kernel', () => {
    const empty = operand([0, 3], []);
    expect(runKernel('transpose', [empty], { order: [1, 0] }, [3, 0]).values.length).toBe(0);
    expect(runKernel('concat', [empty, empty], { axis: 0 }, [0, 3]).values.length).toBe(0);
    expect(runKernel('broadcast', [empty], {}, [2, 0, 3]).values.length).toBe(0);
    expect(runKernel('slice', [empty], { begin: [0, 1], steps: [1, 1] }, [0, 2]).values.length).toBe(sizeOf([0, 2]));
    expect([...runKernel('sliceGradient', [empty], { begin: [0, 0], steps: [1, 1] }, [2, 3]).values]).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
    expect([...runKernel('gatherGradient', [empty, operand([0], [], 'int32')], { axis: 0 }, [1, 3]).values]).toEqual([
      0, 0, 0,
    ]);
  });
});
