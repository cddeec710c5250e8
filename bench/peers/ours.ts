/** The float step of the small CNN on QuantGrad, timed as the peers are; see task.mjs. */
import { parseArgs } from 'node:util';
import { init } from 'quantgrad';
import { prepareStep } from '../steps.js';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '15' },
    warmup: { type: 'string', default: '5' },
    batch: { type: 'string', default: '64' },
    threads: { type: 'string' },
    folder: { type: 'string' },
  },
});
await init({ backend: 'wasm', threads: values.threads === undefined ? undefined : Number(values.threads) });
const step = await prepareStep('small-cnn-28-b64', { float: true, batch: Number(values.batch) });
const times: number[] = [];
for (let run = -Number(values.warmup); run < Number(values.steps); run++) {
  const started = performance.now();
  step();
  if (run >= 0) times.push(performance.now() - started);
  // Threads start between turns of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
}
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    engine: `node ${process.version}`,
    peer: 'QuantGrad',
    device: `wasm, ${values.threads ?? 'all'} threads`,
    step_ms: Math.round(times[Math.floor(times.length / 2)] * 100) / 100,
    steps: times.length,
  }),
);
