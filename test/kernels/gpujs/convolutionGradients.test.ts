/** GPU.js's gradients of convolutions on shapes and attributes drawn at random, and on sums long enough to be shared out. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Conv2dAttributes } from '../../../src/kernels/contract.js';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { createRandom, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './against.js';

type Shape = readonly number[];

const PLAIN: Conv2dAttributes = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1], groups: 1 };

const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

const convolution = fc
  .record({
    images: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 3 }),
    inputs: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 3 }),
    size: pair(1, 8),
    filter: pair(1, 4),
    strides: pair(1, 4),
    dilations: pair(1, 2),
    padsBegin: pair(0, 3),
    padsEnd: pair(0, 3),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
  })
  .map(({ images, groups, inputs, outputs, size, filter, seed, ...attributes }) => {
    const { strides, padsBegin, padsEnd, dilations } = attributes;
    const spatial = [0, 1].map(
      (axis) =>
        Math.floor(
          (size[axis] + padsBegin[axis] + padsEnd[axis] - (filter[axis] - 1) * dilations[axis] - 1) / strides[axis],
        ) + 1,
    );
    return {
      x: [images, groups * inputs, ...size] as Shape,
      w: [groups * outputs, inputs, ...filter] as Shape,
      y: [images, groups * outputs, ...spatial] as Shape,
      attributes: { ...attributes, groups },
      seed,
    };
  })
  .filter(({ y }) => y.every((extent) => extent >= 1));

describe.each(['cpu', 'webasm'] as const)('gradients of convolutions in %s mode', (mode) => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode });
  });
  afterAll(() => backend.dispose());

  it('have any stride, padding, dilation and grouping', () => {
    fc.assert(
      fc.property(convolution, ({ x, w, y, attributes, seed }) => {
        const random = createRandom(seed);
        const [input, filter, g] = [uniform(random, x), uniform(random, w), uniform(random, y)];
        const forInput = {
          kernel: 'conv2dInputGradient',
          inputs: [g, filter],
          attributes,
          outputs: [type(x)],
        } as const;
        const forFilter = {
          kernel: 'conv2dFilterGradient',
          inputs: [input, g],
          attributes,
          outputs: [type(w)],
        } as const;
        expect(expectAsReference(backend, forInput, 2e-5)).toBe(1);
        expect(expectAsReference(backend, forFilter, 2e-5)).toBe(1);
      }),
      { numRuns: 16 },
    );
  });

  it.each<[string, Shape, Shape, Shape, Partial<Conv2dAttributes>]>([
    ['many small images', [40, 2, 6, 6], [3, 2, 3, 3], [40, 3, 6, 6], { padsBegin: [1, 1], padsEnd: [1, 1] }],
    [
      'depthwise, strided',
      [9, 3, 25, 25],
      [3, 1, 3, 3],
      [9, 3, 13, 13],
      { groups: 3, strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1] },
    ],
    ['rows that are cut', [2, 2, 1, 700], [2, 2, 1, 5], [2, 2, 1, 700], { padsBegin: [0, 2], padsEnd: [0, 2] }],
    ['one long row', [1, 1, 1, 3001], [1, 1, 1, 2], [1, 1, 1, 1500], { strides: [1, 2] }],
  ])('share out the filter: %s', (_, x, w, y, changes) => {
    const random = createRandom(3);
    const attributes = { ...PLAIN, ...changes };
    const inputs = [uniform(random, x), uniform(random, y)];
    const run = { kernel: 'conv2dFilterGradient', inputs, attributes, outputs: [type(w)] } as const;
    expect(expectAsReference(backend, run, 1e-4)).toBe(2);
  });
});
