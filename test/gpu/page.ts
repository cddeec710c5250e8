/**
 * The browser's half of `npm run test:gpu`: the conformance cases on a mode of the GPU.js backend,
 * and what can only be seen on a device with memory of its own.
 */
import { init } from 'quantgrad';
import { GpuJsBackend } from '../../src/kernels/gpujs/backend.js';
import type { GpuJsMode } from '../../src/kernels/gpujs/library.js';
import { type DigitsLosses, trainDigits } from '../kernels/gpujs/trainDigits.js';
import { runConformance } from './conformance.js';
import { DEVICE_TESTS } from './deviceTests.js';
import { collect, type Outcome } from './outcome.js';

/**
 * Runs everything in one mode, or, where `only` names some, those kernels' cases and the device's tests in whose names
 * one of the words is.
 */
async function runMode(mode: GpuJsMode, only: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failures: [], notes: [] };
  const backend = await GpuJsBackend.create({ mode });
  await runConformance(backend, outcome, (kernel) => only.length === 0 || only.includes(kernel));
  await collect(outcome, 'what was released leaves no array on the device', async () => {
    const { deviceArrays } = backend.info();
    if (deviceArrays !== 0) {
      throw new Error(`${deviceArrays} arrays are left`);
    }
  });
  outcome.notes.push(`conformance: ${JSON.stringify(backend.info())}`);
  await backend.dispose();
  for (const [name, { modes, test }] of Object.entries(DEVICE_TESTS)) {
    if (!modes.includes(mode) || (only.length > 0 && !only.some((word) => name.includes(word)))) continue;
    await collect(outcome, name, () => test(mode));
  }
  return outcome;
}

declare global {
  interface Window {
    runMode: (mode: GpuJsMode, only: readonly string[]) => Promise<Outcome>;
    trainDigits: (mode: GpuJsMode, csv: string) => Promise<DigitsLosses>;
  }
}

window.runMode = runMode;
window.trainDigits = async (gpuMode, csv) => {
  await init({ backend: 'gpujs', gpuMode });
  return trainDigits(csv);
};
