/**
 * Times one step in a process of its own, for the scripts that compare several:
 * node --import tsx bench/timeStep.ts WORKLOAD [--float] [--batch N] [--threads N] [--simd 256] [--mode fast] [--steps N]
 * Prints a line of JSON; `first_step_ms` includes planning, generating and compiling kernels, and tracing of a float model.
 */
import { parseArgs } from 'node:util';
import { getThreads } from 'quantgrad';
import { median } from './engine.js';
import { start } from './start.js';
import { prepareStep } from './steps.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    float: { type: 'boolean', default: false },
    batch: { type: 'string' },
    threads: { type: 'string' },
    simd: { type: 'string' },
    mode: { type: 'string' },
    steps: { type: 'string', default: '9' },
    warmup: { type: 'string', default: '3' },
  },
});
const [workload] = positionals;
await start(values);
const batch = values.batch === undefined ? undefined : Number(values.batch);
const step = await prepareStep(workload, { float: values.float, batch });
const times: number[] = [];
let first = 0;
for (let run = -Number(values.warmup) - 1; run < Number(values.steps); run++) {
  const started = performance.now();
  step();
  const time = performance.now() - started;
  if (run >= 0) times.push(time);
  else if (first === 0) first = time;
  // Threads start between turns of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
}
const rounded = (value: number): number => Math.round(value * 100) / 100;
console.log(
  JSON.stringify({
    engine: `node ${process.version}`,
    workload,
    threads: getThreads(),
    step_ms: rounded(median(times)),
    first_step_ms: rounded(first),
    max_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
