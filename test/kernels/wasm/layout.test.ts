import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType } from '../../../src/kernels/dtype.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { createRandom, integers, operand, type, uniform } from '../conformance/kernelCase.js';
import { exact, expectReference } from './compare.js';

const dtypes = fc.constantFrom<DType>('float32', 'float32', 'int32', 'int8', 'uint8', 'bool');
const extents = (maximum: number, rank = 4) => fc.array(fc.integer({ min: 1, max: maximum }), { maxLength: rank });

function tensor(shape: readonly number[], dtype: DType, seed: number): HostOperand {
  const random = createRandom(seed);
  return dtype === 'float32' ? uniform(random, shape) : integers(random, shape, 0, dtype === 'bool' ? 1 : 100, dtype);
}

/** A permutation of `length` from numbers that decide its order. */
const permutation = (length: number, keys: readonly number[]): number[] =>
  Array.from({ length }, (_, axis) => axis).sort((a, b) => keys[a] - keys[b]);

describe('transpose in WebAssembly', () => {
  const keys = fc.array(fc.nat(), { minLength: 5, maxLength: 5 });

  it('moves elements of every type in every order', () => {
    fc.assert(
      fc.property(extents(9, 5), keys, dtypes, fc.nat(), (shape, keys, dtype, seed) => {
        const order = permutation(shape.length, keys);
        const outputs = [
          type(
            order.map((axis) => shape[axis]),
            dtype,
          ),
        ];
        expectReference(
          { kernel: 'transpose', inputs: [tensor(shape, dtype, seed)], attributes: { order }, outputs },
          exact,
        );
      }),
      { numRuns: 80 },
    );
  });

  it('takes planes of every size around the tiles', () => {
    for (const rows of [3, 4, 5, 7, 8, 9, 17]) {
      for (const columns of [3, 4, 6, 12, 33]) {
        const inputs = [tensor([2, rows, columns], 'float32', rows)];
        const outputs = [type([2, columns, rows])];
        expectReference({ kernel: 'transpose', inputs, attributes: { order: [0, 2, 1] }, outputs }, exact);
      }
    }
  });

  it('leaves float64 to the reference', () => {
    const x = type([3, 4], 'float64');
    expect(WASM_KERNELS.transpose?.([x], { order: [1, 0] }, [type([4, 3], 'float64')])).toBeNull();
  });
});

describe('concat in WebAssembly', () => {
  it('joins any number of tensors, empty ones too', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(extents(5, 3), fc.nat({ max: 3 }), sizes, dtypes, fc.nat(), (rest, at, sizes, dtype, seed) => {
        const axis = Math.min(at, rest.length);
        const shapeFor = (size: number): number[] => [...rest.slice(0, axis), size, ...rest.slice(axis)];
        const inputs = sizes.map((size, index) => tensor(shapeFor(size), dtype, seed + index));
        const outputs = [type(shapeFor(sizes.reduce((sum, size) => sum + size, 0)), dtype)];
        expectReference({ kernel: 'concat', inputs, attributes: { axis }, outputs }, exact);
      }),
      { numRuns: 60 },
    );
  });
});

interface Slice {
  readonly shape: readonly number[];
  readonly begin: readonly number[];
  readonly steps: readonly number[];
  readonly result: readonly number[];
}

const slices: fc.Arbitrary<Slice> = fc
  .array(
    fc
      .record({
        extent: fc.integer({ min: 1, max: 20 }),
        first: fc.nat({ max: 19 }),
        step: fc.constantFrom(1, 1, 2, 3, -1, -2),
        share: fc.nat({ max: 20 }),
      })
      .map(({ extent, first, step, share }) => {
        const begin = first % extent;
        const most = step > 0 ? Math.ceil((extent - begin) / step) : Math.floor(begin / -step) + 1;
        return { extent, begin, step, size: Math.min(share, most) };
      }),
    { maxLength: 4 },
  )
  .map((axes) => ({
    shape: axes.map(({ extent }) => extent),
    begin: axes.map(({ begin }) => begin),
    steps: axes.map(({ step }) => step),
    result: axes.map(({ size }) => size),
  }));

describe('slice in WebAssembly', () => {
  it('reads and writes back any begin, step and size', () => {
    fc.assert(
      fc.property(slices, dtypes, fc.nat(), ({ shape, begin, steps, result }, dtype, seed) => {
        const attributes = { begin, steps };
        const inputs = [tensor(shape, dtype, seed)];
        expectReference({ kernel: 'slice', inputs, attributes, outputs: [type(result, dtype)] }, exact);
        const gradient = [tensor(result, dtype, seed)];
        expectReference(
          { kernel: 'sliceGradient', inputs: gradient, attributes, outputs: [type(shape, dtype)] },
          exact,
        );
      }),
      { numRuns: 80 },
    );
  });

  it('cuts long rows and large results into units', () => {
    const attributes = { begin: [1, 3], steps: [1, 1] };
    const inputs = [tensor([4, 9001], 'float32', 1)];
    expectReference({ kernel: 'slice', inputs, attributes, outputs: [type([3, 8998])] }, exact);
    const gradient = [tensor([3, 8998], 'float32', 2)];
    expectReference({ kernel: 'sliceGradient', inputs: gradient, attributes, outputs: [type([4, 9001])] }, exact);
  });
});

describe('pad in WebAssembly', () => {
  const axes = fc.array(
    fc.record({
      extent: fc.integer({ min: 1, max: 12 }),
      begin: fc.integer({ min: -4, max: 5 }),
      end: fc.integer({ min: -4, max: 5 }),
    }),
    { maxLength: 4 },
  );

  it('pads with a constant and crops, gradient included', () => {
    fc.assert(
      fc.property(axes, dtypes, fc.constantFrom(0, 1, -0.75), fc.nat(), (axes, dtype, value, seed) => {
        const shape = axes.map(({ extent }) => extent);
        const padsBegin = axes.map(({ begin }) => begin);
        const padsEnd = axes.map(({ begin, end, extent }) => Math.max(end, -extent - begin));
        const padded = shape.map((extent, axis) => extent + padsBegin[axis] + padsEnd[axis]);
        const attributes = {
          padsBegin,
          padsEnd,
          mode: 'constant' as const,
          value: dtype === 'float32' ? value : Math.abs(Math.trunc(value)),
        };
        const inputs = [tensor(shape, dtype, seed)];
        expectReference({ kernel: 'pad', inputs, attributes, outputs: [type(padded, dtype)] }, exact);
        const gradient = [tensor(padded, 'float32', seed)];
        expectReference({ kernel: 'padGradient', inputs: gradient, attributes, outputs: [type(shape)] }, exact);
      }),
      { numRuns: 80 },
    );
  });
});

describe('gather in WebAssembly', () => {
  const examples = fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
    axis: fc.nat({ max: 2 }),
    indicesShape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
    seed: fc.nat(),
  });

  it('reads and adds back rows; indices count from the end or miss', () => {
    fc.assert(
      fc.property(examples, ({ shape, axis: at, indicesShape, seed }) => {
        const axis = at % shape.length;
        const extent = shape[axis];
        const indices = integers(createRandom(seed), indicesShape, -extent - 1, extent);
        const gathered = [...shape.slice(0, axis), ...indicesShape, ...shape.slice(axis + 1)];
        const inputs = [uniform(createRandom(seed + 1), shape), indices];
        expectReference({ kernel: 'gather', inputs, attributes: { axis }, outputs: [type(gathered)] }, exact);
        const gradient = [uniform(createRandom(seed + 2), gathered), indices];
        expectReference(
          { kernel: 'gatherGradient', inputs: gradient, attributes: { axis }, outputs: [type(shape)] },
          exact,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('adds repeated indices in their order, over wide rows', () => {
    const indices = operand([6], [1, 1, 0, -1, 1, 7], 'int32');
    const gradient = [uniform(createRandom(1), [6, 603]), indices];
    expectReference(
      { kernel: 'gatherGradient', inputs: gradient, attributes: { axis: 0 }, outputs: [type([4, 603])] },
      exact,
    );
  });
});

describe('gatherElements in WebAssembly', () => {
  it('agrees with the reference in every bit, and so does its gradient', () => {
    fc.assert(
      fc.property(
        fc.record({
          shape: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
          axis: fc.nat(),
          count: fc.integer({ min: 0, max: 5 }),
          seed: fc.nat(1000),
        }),
        ({ shape, axis: drawn, count, seed }) => {
          const axis = drawn % shape.length;
          const indicesShape = shape.map((extent, each) => (each === axis ? count : extent));
          // Two positions beyond either end: they read zero and receive nothing.
          const random = createRandom(seed);
          const total = indicesShape.reduce((product, extent) => product * extent, 1);
          const indices = operand(
            indicesShape,
            Array.from({ length: total }, () => Math.floor(random() * (2 * shape[axis] + 4)) - shape[axis] - 2),
            'int32',
          );
          expectReference(
            {
              kernel: 'gatherElements',
              inputs: [uniform(createRandom(seed + 1), shape), indices],
              attributes: { axis },
              outputs: [type(indicesShape)],
            },
            exact,
          );
          expectReference(
            {
              kernel: 'gatherElementsGradient',
              inputs: [uniform(createRandom(seed + 2), indicesShape), indices],
              attributes: { axis },
              outputs: [type(shape)],
            },
            exact,
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});
