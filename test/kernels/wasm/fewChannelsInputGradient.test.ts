import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convolutionShape } from '../../../src/kernels/wasm/kernels/convolutionShape.js';
import { fewChannelsInputGradientCall } from '../../../src/kernels/wasm/kernels/fewChannelsInputGradient.js';
import { createRandom, type, uniform } from '../conformance/kernelCase.js';
import { expectAsReference } from './guarded.js';

const convolutions = fc.record({
  batch: fc.integer({ min: 4, max: 6 }),
  inputChannels: fc.integer({ min: 1, max: 4 }),
  outputChannels: fc.integer({ min: 1, max: 5 }),
  kernel: fc.constantFrom([3, 3], [1, 3], [3, 1], [2, 2], [1, 9], [2, 4]),
  dilations: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 2, maxLength: 2 }),
  extent: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 2 }),
  pads: fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 4 }),
  seed: fc.nat(),
});

describe('the gradient of an input of few channels', () => {
  it('agrees with the reference for every window, padding and size', () => {
    let covered = 0;
    fc.assert(
      fc.property(convolutions, ({ batch, inputChannels, outputChannels, kernel, dilations, extent, pads, seed }) => {
        const output = extent.map(
          (size, axis) => size + pads[axis] + pads[axis + 2] - (kernel[axis] - 1) * dilations[axis],
        );
        if (Math.min(...output) < 1) return;
        const attributes = {
          strides: [1, 1],
          padsBegin: pads.slice(0, 2),
          padsEnd: pads.slice(2),
          dilations,
          groups: 1,
        };
        const random = createRandom(seed);
        const w = uniform(random, [outputChannels, inputChannels, ...kernel]);
        const g = uniform(random, [batch, outputChannels, ...output]);
        const dx = type([batch, inputChannels, ...extent]);
        if (fewChannelsInputGradientCall(convolutionShape(dx.shape, w.shape, g.shape, attributes))) covered++;
        expectAsReference({ kernel: 'conv2dInputGradient', inputs: [g, w], attributes, outputs: [dx] });
      }),
      { numRuns: 60 },
    );
    expect(covered).toBeGreaterThan(20);
  });

  it('leaves to others what it is not made for', () => {
    const attributes = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1], groups: 1 };
    const call = (batch: number, channels: number, strides = 1) => {
      const size = strides === 1 ? 8 : 4;
      const shapes = [
        [batch, channels, 8, 8],
        [5, channels, 3, 3],
        [batch, 5, size, size],
      ] as const;
      return fewChannelsInputGradientCall(convolutionShape(...shapes, { ...attributes, strides: [strides, strides] }));
    };
    expect(call(4, 4)).not.toBeNull();
    expect([call(3, 1), call(4, 5), call(4, 1, 2)]).toEqual([null, null, null]);
  });
});
