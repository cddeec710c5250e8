/** GPU.js's resizing on any sizes and scales: nearest pixels are those of the reference kernel, each of them. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InterpolateAttributes } from '../../../src/kernels/contract.js';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { createRandom, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './against.js';

type Shape = readonly number[];

const MODES = ['nearest', 'linear'] as const;
const COORDINATES = ['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'] as const;

function stepsOf(coordinates: InterpolateAttributes['coordinates'], from: Shape, to: Shape): number[] {
  return from.map((extent, axis) => {
    const outputs = to[axis];
    if (coordinates !== 'align_corners') return extent / outputs;
    return outputs > 1 ? (extent - 1) / (outputs - 1) : 0;
  });
}

describe.each(['cpu', 'webasm'] as const)('resizing in %s mode', (mode) => {
  let backend: GpuJsBackend;
  beforeAll(async () => {
    backend = await GpuJsBackend.create({ mode });
  });
  afterAll(() => backend.dispose());

  /** Launches of the forward kernel and of its gradient. */
  function check(planes: Shape, from: Shape, to: Shape, attributes: InterpolateAttributes, seed: number): number[] {
    const random = createRandom(seed);
    const [x, y] = [
      [...planes, ...from],
      [...planes, ...to],
    ];
    const [inputs, gradients] = [[uniform(random, x)], [uniform(random, y)]];
    const error = attributes.mode === 'nearest' ? 0 : 1e-5;
    return [
      expectAsReference(backend, { kernel: 'interpolate', inputs, attributes, outputs: [type(y)] }, error),
      expectAsReference(
        backend,
        { kernel: 'interpolateGradient', inputs: gradients, attributes, outputs: [type(x)] },
        1e-4,
      ),
    ];
  }

  it('takes any sizes', () => {
    const size = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...MODES),
        fc.constantFrom(...COORDINATES),
        size,
        size,
        fc.nat(),
        (method, coordinates, from, to, seed) => {
          check([1, 2], from, to, { mode: method, coordinates, steps: stepsOf(coordinates, from, to) }, seed);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('takes factors that are no quotients of the sizes', () => {
    const factor = fc.double({ min: 0.2, max: 5, noNaN: true });
    const extent = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(
        fc.constantFrom(...MODES),
        fc.constantFrom('asymmetric', 'half_pixel'),
        factor,
        extent,
        fc.nat(),
        (method, coordinates, scale, size, seed) => {
          const outputs = Math.max(1, Math.floor(size * scale));
          check([2, 1], [size, 3], [outputs, 3], { mode: method, coordinates, steps: [1 / scale, 1] }, seed);
        },
      ),
      { numRuns: 12 },
    );
  });

  it.each([
    [224, 1007],
    [1007, 224],
    [49, 2401],
    [3000, 1499],
    [1, 1500],
  ])('takes every output from the right one of %i pixels into %i', (extent, outputs) => {
    for (const method of MODES) {
      for (const coordinates of COORDINATES) {
        const steps = stepsOf(coordinates, [1, extent], [1, outputs]);
        const launches = check([1, 1], [1, extent], [1, outputs], { mode: method, coordinates, steps }, 9);
        expect(launches[0]).toBe(1);
      }
    }
  });

  it('collects from many outputs axis by axis', () => {
    const attributes = { mode: 'linear', coordinates: 'half_pixel', steps: [1 / 40, 1 / 35] } as const;
    expect(check([1, 2], [2, 3], [80, 105], attributes, 10)).toEqual([1, 2]);
  });
});
