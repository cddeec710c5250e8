/**
 * The task of all peers: the small CNN of the comparison on the same shapes, cross entropy, SGD with momentum 0.9, batch 64.
 * Weights are drawn from the layers' usual range; only time is compared, but the loss shows that something is learned.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '2' },
    batch: { type: 'string', default: '64' },
    folder: { type: 'string', default: join(import.meta.dirname, '../../.bench') },
  },
});

export const batch = Number(values.batch);
export const learningRate = 1e-4;
export const momentum = 0.9;

/** Loads a package of the folder that peers are installed in. */
export const load = createRequire(join(values.folder, 'package.json'));

/** Weights by layer, [outputs, inputs, ...kernel], and how they are scaled. */
export const LAYERS = {
  conv1: [32, 1, 3, 3],
  conv2: [64, 32, 3, 3],
  fc1: [128, 64 * 49],
  fc2: [10, 128],
};

export const uniform = (length, bound) => Float32Array.from({ length }, () => (2 * Math.random() - 1) * bound);
export const sizeOf = (shape) => shape.reduce((product, extent) => product * extent, 1);
export const boundOf = (shape) => 1 / Math.sqrt(sizeOf(shape.slice(1)));

export const images = uniform(batch * 28 * 28, 1.7);
export const labels = Int32Array.from({ length: batch }, () => Math.floor(Math.random() * 10));

/** Times `step` and prints one line of JSON. `step` returns the loss, or a promise of it, when all is computed. */
export async function report(peer, device, step) {
  try {
    let first;
    for (let run = 0; run < Number(values.warmup); run++) first ??= await step();
    const times = [];
    let loss;
    for (let run = 0; run < Number(values.steps); run++) {
      const started = performance.now();
      loss = await step();
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const median = times[Math.floor(times.length / 2)];
    print({ peer, device, step_ms: Math.round(median * 100) / 100, steps: times.length, first_loss: first, loss });
  } catch (error) {
    print({ peer, device, error: String(error?.message ?? error) });
  }
}

export const print = (result) => console.log(JSON.stringify({ engine: `node ${process.version}`, ...result }));
