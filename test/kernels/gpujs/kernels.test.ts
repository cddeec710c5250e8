/** GPU.js kernels on shapes and attributes drawn at random, against the reference kernels. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelAttributes, KernelName, TensorType } from '../../../src/kernels/contract.js';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../src/kernels/reference/kernel.js';
import { createRandom, filled, type Random, type, uniform } from '../conformance/kernelCase.js';

const RUNS = { numRuns: 60 };
const extent = fc.integer({ min: 1, max: 5 });
const seed = fc.integer({ min: 0, max: 2 ** 31 });

describe.each(['cpu', 'webasm'] as const)('GPU.js kernels in %s mode', (mode) => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode });
  });
  afterAll(() => backend.dispose());

  function compare<K extends KernelName>(
    kernel: K,
    inputs: readonly HostOperand[],
    attributes: KernelAttributes[K],
    outputs: readonly TensorType[],
    tolerance: number,
  ): void {
    const expected = runReferenceKernel(kernel, inputs, attributes, outputs);
    const operands = inputs.map(({ shape, dtype, values }) => ({
      shape,
      dtype,
      storage: backend.upload(values.slice(), dtype),
    }));
    const { fallbacks } = backend.info();
    const results = backend.run(kernel, operands, attributes, outputs);
    expect(backend.info().fallbacks).toEqual(fallbacks);
    results.forEach((result, output) => {
      const values = backend.readSync(result);
      expect(values.length).toBe(expected[output].length);
      for (let index = 0; index < values.length; index++) {
        const [got, want] = [values[index], expected[output][index]];
        if (!(got === want || Math.abs(got - want) <= tolerance * (1 + Math.abs(want)))) {
          expect.fail(
            `output ${output}[${index}] of ${kernel} ${JSON.stringify(attributes)} is ${got}, expected ${want}`,
          );
        }
      }
    });
  }

  it('multiplies matrices with broadcast batches and transposes', () => {
    const batchAxis = fc.record({ extent, inA: fc.boolean(), inB: fc.boolean() });
    const sizes = fc.record({ m: extent, n: extent, k: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(
        fc.array(batchAxis, { maxLength: 4 }),
        sizes,
        fc.boolean(),
        fc.boolean(),
        seed,
        (batch, { m, n, k }, transposeA, transposeB, start) => {
          const random = createRandom(start);
          const a = [...batch.map((axis) => (axis.inA ? axis.extent : 1)), ...(transposeA ? [k, m] : [m, k])];
          const b = [...batch.map((axis) => (axis.inB ? axis.extent : 1)), ...(transposeB ? [n, k] : [k, n])];
          const shape = [...batch.map((axis) => (axis.inA || axis.inB ? axis.extent : 1)), m, n];
          compare('matMul', [uniform(random, a), uniform(random, b)], { transposeA, transposeB }, [type(shape)], 2e-5);
        },
      ),
      RUNS,
    );
  });

  it('broadcasts like NumPy', () => {
    const axis = fc.record({ extent, inA: fc.boolean(), inB: fc.boolean() });
    const name = fc.constantFrom('add', 'subtract', 'multiply', 'divide' as const);
    fc.assert(
      fc.property(
        fc.array(axis, { minLength: 1, maxLength: 5 }),
        fc.nat(4),
        name,
        seed,
        (axes, dropped, operation, start) => {
          const random = createRandom(start);
          const shape = axes.map(({ extent: size, inA, inB }) => (inA || inB ? size : 1));
          const a = axes.map(({ extent: size, inA }) => (inA ? size : 1));
          // Leading ones of an operand may be missing altogether.
          let b = axes.map(({ extent: size, inB }) => (inB ? size : 1));
          for (let count = 0; count < dropped && b[0] === 1; count++) {
            b = b.slice(1);
          }
          compare('binary', [uniform(random, a), uniform(random, b)], { function: operation }, [type(shape)], 3e-7);
        },
      ),
      RUNS,
    );
  });

  it('convolves with any stride, padding, dilation and grouping', () => {
    const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
    const settings = fc.record({
      images: fc.integer({ min: 1, max: 2 }),
      groups: fc.integer({ min: 1, max: 3 }),
      inputs: fc.integer({ min: 1, max: 3 }),
      outputs: fc.integer({ min: 1, max: 3 }),
      size: pair(1, 8),
      filter: pair(1, 4),
      strides: pair(1, 3),
      dilations: pair(1, 2),
      padsBegin: pair(0, 3),
      padsEnd: pair(0, 3),
    });
    fc.assert(
      fc.property(
        settings,
        seed,
        ({ images, groups, inputs, outputs, size, filter, strides, dilations, padsBegin, padsEnd }, start) => {
          const random = createRandom(start);
          const output = [0, 1].map(
            (axis) =>
              Math.floor(
                (size[axis] + padsBegin[axis] + padsEnd[axis] - dilations[axis] * (filter[axis] - 1) - 1) /
                  strides[axis],
              ) + 1,
          );
          fc.pre(output.every((each) => each >= 1));
          const x = uniform(random, [images, groups * inputs, ...size]);
          const w = uniform(random, [groups * outputs, inputs, ...filter]);
          const shape = [images, groups * outputs, ...output];
          compare('conv2d', [x, w], { strides, padsBegin, padsEnd, dilations, groups }, [type(shape)], 2e-5);
        },
      ),
      RUNS,
    );
  });

  /** A quantizer over x, per tensor or along one axis, and x with values in, out and on the grid. */
  const quantizer = fc.record({
    shape: fc.array(extent, { minLength: 1, maxLength: 4 }),
    axis: fc.option(fc.nat(3)),
    levels: fc.constantFrom(2, 3, 4, 15, 16, 255, 256),
    seed,
  });

  function drawQuantizer(shape: readonly number[], axis: number | null, levels: number, random: Random): HostOperand[] {
    const along = axis === null ? undefined : axis % shape.length;
    const ranges = along === undefined ? [1] : shape.map((size, index) => (index === along ? size : 1));
    const low = uniform(random, ranges, -2, 0);
    const range = uniform(random, ranges, 1, 4);
    // Half steps of the first range give ties where the arithmetic is exact.
    const step = range.values[0] / (levels - 1);
    const x = filled(shape, () =>
      random() < 0.3 ? Math.round(random() * 2 * levels) * 0.5 * step + low.values[0] : 6 * random() - 3,
    );
    return [x, low, range];
  }

  it('fake-quantizes bit for bit as the reference does', () => {
    fc.assert(
      fc.property(quantizer, ({ shape, axis, levels, seed: start }) => {
        compare('fakeQuantize', drawQuantizer(shape, axis, levels, createRandom(start)), { levels }, [type(shape)], 0);
      }),
      RUNS,
    );
  });

  it('rounds ties to even, on either side of zero', () => {
    // A scale of exactly one: codes are the values themselves.
    const ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];
    const x = filled([ties.length], () => 0);
    x.values.set(ties);
    const low = filled([1], () => -128);
    const range = filled([1], () => 255);
    const operands = [x, low, range].map(({ shape, dtype, values }) => ({
      shape,
      dtype,
      storage: backend.upload(values, dtype),
    }));
    const [result] = backend.run('fakeQuantize', operands, { levels: 256 }, [type([ties.length])]);
    expect(Array.from(backend.readSync(result), (value) => value + 0)).toEqual([-2, -2, 0, 0, 2, 2, 4]);
  });

  it('sums the gradients of the range over any layout', () => {
    fc.assert(
      fc.property(quantizer, ({ shape, axis, levels, seed: start }) => {
        const random = createRandom(start);
        const [x, low, range] = drawQuantizer(shape, axis, levels, random);
        const inputs = [uniform(random, shape), x, low, range];
        const attributes = { levels, levelLow: -Math.floor(levels / 2), levelHigh: Math.ceil(levels / 2) - 1 || 1 };
        compare('fakeQuantizeGradient', inputs, attributes, [type(shape), low, range], 2e-5);
      }),
      RUNS,
    );
  });
});
