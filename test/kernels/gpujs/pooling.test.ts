/** GPU.js's pools and their gradients on shapes and windows drawn at random, against the reference kernels. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { createRandom, filled, operand, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './against.js';

type Shape = readonly number[];

const RUNS = { numRuns: 16 };
const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const seed = fc.integer({ min: 0, max: 2 ** 31 });

/** Windows that may be larger than the image, lie on its pads only, and stick out of it. */
const pool = fc
  .record({
    planes: pair(1, 3),
    size: pair(1, 9),
    kernel: pair(1, 4),
    strides: pair(1, 5),
    padsBegin: pair(0, 3),
    padsEnd: pair(0, 3),
    dilations: pair(1, 2),
    roundUp: fc.boolean(),
    seed,
  })
  .map(({ planes, size, dilations, roundUp, seed: start, ...attributes }) => {
    const outputs = (dilation: Shape): number[] =>
      [0, 1].map((axis) => {
        const window = (attributes.kernel[axis] - 1) * dilation[axis] + 1;
        const steps =
          (size[axis] + attributes.padsBegin[axis] + attributes.padsEnd[axis] - window) / attributes.strides[axis];
        return (roundUp ? Math.ceil(steps) : Math.floor(steps)) + 1;
      });
    return {
      x: [...planes, ...size] as Shape,
      average: [...planes, ...outputs([1, 1])] as Shape,
      maximum: [...planes, ...outputs(dilations)] as Shape,
      attributes,
      dilations,
      start,
    };
  });

const adaptive = fc.record({ planes: pair(1, 3), size: pair(1, 20), outputs: pair(1, 20), start: seed });

describe.each(['cpu', 'webasm'] as const)('pools in %s mode', (mode) => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode });
  });
  afterAll(() => backend.dispose());

  it('average any window', () => {
    fc.assert(
      fc.property(pool, fc.boolean(), ({ x, average: y, attributes: window, start }, excludePad) => {
        fc.pre(y.every((extent) => extent >= 1));
        const random = createRandom(start);
        const attributes = { ...window, excludePad };
        const forward = { kernel: 'avgPool2d', inputs: [uniform(random, x)], attributes, outputs: [type(y)] } as const;
        expectAsReference(backend, forward, 1e-6);
        const inputs = [uniform(random, y)];
        expectAsReference(backend, { kernel: 'avgPool2dGradient', inputs, attributes, outputs: [type(x)] }, 1e-6);
      }),
      RUNS,
    );
  });

  it('take the maximum of any window, and give it its gradient', () => {
    fc.assert(
      fc.property(pool, fc.boolean(), ({ x, maximum: y, attributes, dilations, start }, knowsWindow) => {
        fc.pre(y.every((extent) => extent >= 1));
        const random = createRandom(start);
        const window = { ...attributes, dilations };
        // Few different values, so that windows have ties; some windows hold NaN or nothing but pads.
        const inputs = [filled(x, () => (random() < 0.1 ? Number.NaN : Math.floor(4 * random()) - 2))];
        const outputs = [type(y), type(y, 'int32')];
        expect(expectAsReference(backend, { kernel: 'maxPool2d', inputs, attributes: window, outputs }, 0)).toBe(1);
        const [, indices] = runReferenceKernel('maxPool2d', inputs, window, outputs);
        const backward = {
          kernel: 'maxPool2dGradient',
          inputs: [uniform(random, y), operand(y, indices, 'int32')],
          attributes: knowsWindow ? { window } : {},
          outputs: [type(x)],
        } as const;
        expect(expectAsReference(backend, backward, 1e-6)).toBe(1);
      }),
      RUNS,
    );
  });

  it('average into any number of outputs', () => {
    fc.assert(
      fc.property(adaptive, ({ planes, size, outputs, start }) => {
        const random = createRandom(start);
        const [x, y] = [
          [...planes, ...size],
          [...planes, ...outputs],
        ];
        const inputs = [uniform(random, x)];
        expectAsReference(backend, { kernel: 'adaptiveAvgPool2d', inputs, attributes: {}, outputs: [type(y)] }, 1e-6);
        const g = [uniform(random, y)];
        const backward = {
          kernel: 'adaptiveAvgPool2dGradient',
          inputs: g,
          attributes: {},
          outputs: [type(x)],
        } as const;
        expectAsReference(backend, backward, 1e-6);
      }),
      RUNS,
    );
  });

  it('average large windows axis by axis', () => {
    const random = createRandom(4);
    const [large, small] = [
      [2, 1, 40, 63],
      [2, 1, 1, 2],
    ];
    const global = { kernel: 'adaptiveAvgPool2d', attributes: {} } as const;
    const globalGradient = { kernel: 'adaptiveAvgPool2dGradient', attributes: {} } as const;
    const inputs = [uniform(random, large)];
    expect(expectAsReference(backend, { ...global, inputs, outputs: [type(small)] }, 1e-6)).toBe(2);
    const g = [uniform(random, small)];
    expect(expectAsReference(backend, { ...globalGradient, inputs: g, outputs: [type(large)] }, 1e-6)).toBe(1);
    // Into more outputs than there are pixels a pixel collects from many.
    expect(expectAsReference(backend, { ...globalGradient, inputs, outputs: [type(small)] }, 1e-4)).toBe(2);
    const window = { kernel: [38, 60], strides: [2, 3], padsBegin: [1, 2], padsEnd: [0, 1], excludePad: false };
    const outputs = [type([2, 1, 2, 3])];
    expect(expectAsReference(backend, { kernel: 'avgPool2d', inputs, attributes: window, outputs }, 1e-6)).toBe(2);
  });
});
