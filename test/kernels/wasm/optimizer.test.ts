import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { createRandom, type, uniform } from '../conformance/kernelCase.js';
import { expectReference, within } from './compare.js';

const size = fc.constantFrom(1, 3, 4, 5, 8, 13, 4096, 4099, 9001);
const rate = fc.double({ min: 1e-4, max: 0.5, noNaN: true });
const decay = fc.constantFrom(0, 1e-4, 0.1);
const state = (count: number, seed: number, low = -2, high = 2) => uniform(createRandom(seed), [count], low, high);

describe('parameter updates in WebAssembly', () => {
  it('sgdUpdate agrees with the reference', () => {
    const attributes = fc.record({
      learningRate: rate,
      momentum: fc.constantFrom(0, 0.5, 0.9),
      dampening: fc.constantFrom(0, 0.3),
      weightDecay: decay,
      nesterov: fc.boolean(),
      first: fc.boolean(),
    });
    fc.assert(
      fc.property(attributes, size, fc.nat(), (attributes, count, seed) => {
        const inputs = [state(count, seed), state(count, seed + 1), state(count, seed + 2)];
        const outputs = [type([count]), type([count])];
        expectReference({ kernel: 'sgdUpdate', inputs, attributes, outputs }, within(2e-7, 1e-6));
      }),
      { numRuns: 60 },
    );
  });

  it('adamUpdate agrees with the reference', () => {
    const attributes = fc.record({
      learningRate: rate,
      beta1: fc.constantFrom(0, 0.5, 0.9),
      beta2: fc.constantFrom(0.9, 0.999),
      epsilon: fc.constantFrom(1e-8, 1e-3),
      weightDecay: decay,
      decoupled: fc.boolean(),
      step: fc.integer({ min: 1, max: 10_000 }),
    });
    fc.assert(
      fc.property(attributes, size, fc.nat(), (attributes, count, seed) => {
        const moments = [state(count, seed + 2), state(count, seed + 3, 0.1, 2)];
        const inputs = [state(count, seed), state(count, seed + 1), ...moments];
        const outputs = [type([count]), type([count]), type([count])];
        // The step can be a hundred times the rate, when beta1 has had time and beta2 has not.
        expectReference({ kernel: 'adamUpdate', inputs, attributes, outputs }, within(5e-7, 3e-6));
      }),
      { numRuns: 60 },
    );
  });

  it('rmspropUpdate agrees with the reference', () => {
    const attributes = fc.record({
      learningRate: rate,
      alpha: fc.constantFrom(0.5, 0.99),
      epsilon: fc.constantFrom(1e-8, 1e-3),
      weightDecay: decay,
      momentum: fc.constantFrom(0, 0.9),
      centered: fc.boolean(),
    });
    fc.assert(
      fc.property(attributes, size, fc.nat(), (attributes, count, seed) => {
        const averages = [state(count, seed + 2, 1, 2), state(count, seed + 3), state(count, seed + 4, -0.7, 0.7)];
        const inputs = [state(count, seed), state(count, seed + 1), ...averages];
        const outputs = [0, 1, 2, 3].map(() => type([count]));
        expectReference({ kernel: 'rmspropUpdate', inputs, attributes, outputs }, within(1e-6, 3e-6));
      }),
      { numRuns: 60 },
    );
  });

  it('does not let the variance of centered RMSprop become negative', () => {
    const inputs = [[0], [0.3], [0.09], [0], [0.3]].map((values) => state(1, 1).values.map(() => values[0]));
    const operands = inputs.map((values) => ({ shape: [1], dtype: 'float32' as const, values }));
    const attributes = { learningRate: 0.1, alpha: 0.9, epsilon: 1, weightDecay: 0, momentum: 0, centered: true };
    const outputs = [0, 1, 2, 3].map(() => type([1]));
    expectReference({ kernel: 'rmspropUpdate', inputs: operands, attributes, outputs }, within(1e-3, 1e-3));
  });

  it('compiles nothing new when a schedule changes the rates', () => {
    const backend = WasmBackend.create({ threads: 1 });
    const types = [type([100]), type([100]), type([100])];
    const operands = types.map((each) => ({ ...each, storage: backend.upload(new Float32Array(100), 'float32') }));
    const compiled: number[] = [];
    for (const step of [1, 2, 3, 4]) {
      const sgd = {
        learningRate: 0.1 / step,
        momentum: 0.9,
        dampening: 0,
        weightDecay: 1e-4,
        nesterov: false,
        first: false,
      };
      const adam = {
        learningRate: 0.1 / step,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        weightDecay: 0,
        decoupled: false,
        step,
      };
      backend.run('sgdUpdate', operands, sgd, types.slice(0, 2));
      backend.run('adamUpdate', [...operands, operands[0]], adam, types);
      compiled.push(backend.info().kernels);
    }
    expect(new Set(compiled).size).toBe(1);
  });
});
