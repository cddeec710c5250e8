/**
 * Where the time of a training step goes, step by step of its plan:
 * npm run bench:profile -- WORKLOAD... [--threads N] [--float] [--inference] [--simd 256 --node 24] [--mode fast] [--top N] [--json]
 * How to read it: docs/performance.md.
 */
import { defineCommand, runMain } from 'citty';
import { formatProfile, profileStep } from 'quantgrad/profile';
import { WORKLOADS } from './networks.js';
import { runWith, start } from './start.js';
import { checkWorkloads, prepareStep } from './steps.js';

const command = defineCommand({
  meta: { name: 'bench:profile', description: 'Times each step of the plan of a training step' },
  args: {
    threads: { type: 'string', description: 'Threads; by default the number of cores' },
    float: { type: 'boolean', description: 'The float model instead of the quantized one' },
    inference: { type: 'boolean', description: 'Only the forward pass, in evaluation mode' },
    simd: { type: 'string', description: '128, or 256 (Node 24 and newer)' },
    mode: { type: 'string', description: 'portable or fast; by default fast with 256 bits' },
    node: { type: 'string', description: 'Version of Node to run with, such as 24, brought by npx' },
    batch: { type: 'string', description: "Batch size instead of the workload's" },
    runs: { type: 'string', description: 'Measured runs; medians are shown', default: '5' },
    top: { type: 'string', description: 'Steps to show', default: '30' },
    json: { type: 'boolean', description: 'The whole profile as one line of JSON' },
  },
  async run({ args }) {
    const names = args._.length > 0 ? args._ : [Object.keys(WORKLOADS)[0]];
    checkWorkloads(names);
    if (args.node !== undefined) {
      runWith(args.node);
      return;
    }
    await start(args);
    for (const name of names) {
      const step = await prepareStep(name, {
        float: args.float,
        inference: args.inference,
        batch: args.batch === undefined ? undefined : Number(args.batch),
      });
      const profile = await profileStep(step, { runs: Number(args.runs) });
      const kind = `${args.float ? 'float' : 'quantized'}${args.inference ? ', inference' : ''}`;
      if (args.json)
        console.log(JSON.stringify({ workload: name, kind, engine: `node ${process.version}`, ...profile }));
      else console.log(`${name}, ${kind}, node ${process.version}\n${formatProfile(profile, Number(args.top))}\n`);
    }
  },
});

await runMain(command);
