import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runReferenceKernel } from '../../../src/kernels/reference/backend.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { type KernelOptions, PORTABLE } from '../../../src/kernels/wasm/kernel.js';
import { convolutionShape } from '../../../src/kernels/wasm/kernels/convolutionShape.js';
import { WASM_KERNELS } from '../../../src/kernels/wasm/kernels/index.js';
import { winogradShape } from '../../../src/kernels/wasm/kernels/winogradShape.js';
import { createRandom, type, uniform } from '../conformance/kernelCase.js';
import {
  type Convolution,
  convolution,
  convolutions,
  depthwise,
  MINIMAL_CONVOLUTIONS,
  NAMED_CONVOLUTIONS,
  pointwise,
  square,
} from './convolutionCases.js';
import { expectAsReference, runGuarded } from './guarded.js';

/** Checks the convolution and both gradients. */
function check(
  { x, w, y, attributes }: Convolution,
  seed = 1,
  options: KernelOptions = PORTABLE,
  tolerance?: number,
): void {
  const random = createRandom(seed);
  const [input, filter, gradient] = [x, w, y].map((shape) => uniform(random, shape));
  expectAsReference({ kernel: 'conv2d', inputs: [input, filter], attributes, outputs: [type(y)], options, tolerance });
  expectAsReference({
    kernel: 'conv2dInputGradient',
    inputs: [gradient, filter],
    attributes,
    outputs: [type(x)],
    options,
    tolerance,
  });
  expectAsReference({
    kernel: 'conv2dFilterGradient',
    inputs: [input, gradient],
    attributes,
    outputs: [type(w)],
    options,
    tolerance,
  });
}

describe('conv2d and its gradients', () => {
  it('agree with the reference for any shape', () => {
    fc.assert(
      fc.property(convolutions, fc.nat(), (one, seed) => check(one, seed)),
      { numRuns: 60 },
    );
  });

  it('agree with the reference for depthwise convolutions of any shape', () => {
    fc.assert(
      fc.property(depthwise, fc.nat(), (one, seed) => check(one, seed)),
      { numRuns: 60 },
    );
  });

  it('agree with the reference for 1x1 convolutions of any shape', () => {
    fc.assert(
      fc.property(pointwise, fc.nat(), (one, seed) => check(one, seed)),
      { numRuns: 40 },
    );
  });

  it('agree with the reference on a wide tile', () => {
    fc.assert(
      fc.property(convolutions, fc.nat(), (one, seed) => check(one, seed, { ...PORTABLE, wide: true })),
      { numRuns: 20 },
    );
  });

  it.each(NAMED_CONVOLUTIONS)('agree with the reference: %s', (_name, one) => check(one));

  it.each(MINIMAL_CONVOLUTIONS)('agree with the reference by minimal filtering: %s', (_name, one) => {
    expect(winogradShape(convolutionShape(one.x, one.w, one.y, one.attributes)), 'is used').not.toBeNull();
    check(one, 1, PORTABLE, 5e-5);
  });

  it('agree with the reference for 3x3 convolutions of many channels by minimal filtering', () => {
    const extent = fc.integer({ min: 1, max: 17 });
    const channels = fc.integer({ min: 8, max: 21 });
    const pad = fc.integer({ min: 0, max: 2 });
    const shapes = fc.tuple(extent, extent, pad, pad, pad, pad, fc.integer({ min: 2, max: 12 }), channels, channels);
    const property = fc.property(shapes, fc.nat(), ([height, width, top, bottom, left, right, batch, c, o], seed) => {
      const shared = { kernel: 3, stride: 1, dilation: 1 };
      const y = { ...shared, padBegin: top, padEnd: bottom, extent: height };
      const x = { ...shared, padBegin: left, padEnd: right, extent: width };
      // The transforms multiply and add numbers of up to 25 times the pixels' size.
      check(convolution([y, x], batch, 1, c, o), seed, PORTABLE, 5e-5);
    });
    fc.assert(property, { numRuns: 30 });
  });

  it.each([
    ['stride 1', convolution(square(3, 1, 16), 8, 1, 64, 48)],
    ['stride 2', convolution(square(3, 2, 8), 16, 1, 64, 72)],
  ])('are off by at most 5e-5 of the root mean square of the results by minimal filtering: %s', (_name, one) => {
    const { x, w, y, attributes } = one;
    const random = createRandom(1);
    const [input, filter, gradient] = [x, w, y].map((shape) => uniform(random, shape));
    for (const [kernel, inputs, shape] of [
      ['conv2d', [input, filter], y],
      ['conv2dInputGradient', [gradient, filter], x],
      ['conv2dFilterGradient', [input, gradient], w],
    ] as const) {
      const outputs = [type(shape)];
      const call = WASM_KERNELS[kernel]?.(inputs, attributes, outputs);
      if (!call) throw new Error(`${kernel} is not covered`);
      expect(call.key).toContain('winograd');
      const [actual] = runGuarded(call, inputs, outputs);
      const expected = Array.from(runReferenceKernel(kernel, inputs, attributes, outputs)[0]);
      const size = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
      const worst = expected.reduce((most, value, index) => Math.max(most, Math.abs(value - actual[index])), 0);
      expect(worst / size).toBeLessThan(5e-5);
    }
  });

  it('are zero or empty without images', () => check(convolution(square(3, 1, 5), 0, 1, 2, 3)));

  it('run as WebAssembly', () => {
    const backend = WasmBackend.create();
    for (const { x, w, y, attributes } of [
      convolution(square(3, 2, 8), 2, 1, 3, 4),
      convolution(square(3, 1, 8), 2, 4, 1, 1),
      convolution(square(1, 1, 8), 2, 1, 3, 4),
    ]) {
      const [input, filter, gradient] = [x, w, y].map((shape) => {
        const values = uniform(createRandom(1), shape).values;
        return { shape, dtype: 'float32' as const, storage: backend.upload(values, 'float32') };
      });
      backend.run('conv2d', [input, filter], attributes, [type(y)]);
      backend.run('conv2dInputGradient', [gradient, filter], attributes, [type(x)]);
      backend.run('conv2dFilterGradient', [input, gradient], attributes, [type(w)]);
    }
    const { launches, fallbacks } = backend.info();
    expect(Object.fromEntries(launches)).toEqual({ conv2d: 3, conv2dInputGradient: 3, conv2dFilterGradient: 3 });
    expect(fallbacks.size).toBe(0);
  });
});
