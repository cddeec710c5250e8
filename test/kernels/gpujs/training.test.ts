/** The engine on the GPU.js backend, step by step with the reference backend, in both contracts. */
import { describe, expect, it } from 'vitest';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { ReferenceBackend } from '../../../src/kernels/reference/backend.js';
import { STEPS, train } from './train.js';

describe.each([
  { mode: 'cpu', asynchronous: false },
  { mode: 'webasm', asynchronous: false },
  { mode: 'webasm', asynchronous: true },
] as const)('training on GPU.js, %o', (options) => {
  it(`gives the losses of the reference backend within 1e-3 over ${STEPS} steps`, async () => {
    const backend = await GpuJsBackend.create(options);
    const losses = await train(backend);
    const expected = await train(new ReferenceBackend());
    expect(expected[STEPS - 1]).toBeLessThan(0.5 * expected[0]);
    losses.forEach((loss, step) => {
      expect(Math.abs(loss - expected[step]), `loss of step ${step}`).toBeLessThan(1e-3);
    });
    const { launches, fallbacks } = backend.info();
    expect(launches).toMatchObject({ conv2d: STEPS, fakeQuantize: 2 * STEPS, sgdUpdate: 5 * STEPS });
    expect(fallbacks).toEqual({});
    await backend.dispose();
  });
});
