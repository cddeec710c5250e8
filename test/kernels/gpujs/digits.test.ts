/** The first steps of the demo's network in Node, in float and quantized; `npm run test:gpu` compares whole trainings. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/kernels/contract.js';
import { GpuJsBackend } from '../../../src/kernels/gpujs/backend.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import { defaultBackend, referenceBackend, setDefaultBackend } from '../../../src/tensor/backend.js';
import { type DigitsLosses, trainDigits } from './trainDigits.js';

const [FLOAT, QUANTIZED] = [4, 3];
const csv = readFileSync(new URL('../../../examples/digits/digits.csv', import.meta.url), 'utf8');
const first = defaultBackend();
afterAll(() => setDefaultBackend(first));

const losses = (backend: Backend): Promise<DigitsLosses> => {
  setDefaultBackend(backend);
  return trainDigits(csv, FLOAT, QUANTIZED);
};

describe("the digits network's losses are the reference backend's within 1e-3", () => {
  let expected: DigitsLosses;
  beforeAll(async () => {
    expected = await losses(referenceBackend());
    expect(expected.float[FLOAT - 1]).toBeLessThan(expected.float[0]);
  });

  it.each<[string, () => Backend | Promise<Backend>]>([
    ['wasm', () => WasmBackend.create()],
    ['gpujs cpu', () => GpuJsBackend.create({ mode: 'cpu' })],
    ['gpujs webasm', () => GpuJsBackend.create({ mode: 'webasm' })],
    ['gpujs webasm, asynchronous', () => GpuJsBackend.create({ mode: 'webasm', asynchronous: true })],
  ])('on %s', async (_, create) => {
    const backend = await create();
    const { float, quantized } = await losses(backend);
    for (const [actual, wanted] of [
      [float, expected.float],
      [quantized, expected.quantized],
    ]) {
      expect(actual).toHaveLength(wanted.length);
      actual.forEach((loss, step) => {
        expect(Math.abs(loss - wanted[step]), `step ${step}`).toBeLessThan(1e-3);
      });
    }
    if (backend instanceof GpuJsBackend) await backend.dispose();
  });
});
