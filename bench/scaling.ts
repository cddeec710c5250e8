/**
 * How the training step grows with the batch and shrinks with threads, what the first step costs, and the matrix product:
 * npm run bench:scaling -- [--threads N] [--rounds N] [--steps N] [--simd 256 --node 24] [--json] WORKLOAD...
 */
import { defineCommand, runMain } from 'citty';
import { WORKLOADS } from './networks.js';
import { formatScaling, measureScaling } from './scaling/measure.js';
import { checkWorkloads } from './steps.js';

const command = defineCommand({
  meta: { name: 'bench:scaling', description: 'Batches, threads, first step, matrix product' },
  args: {
    threads: { type: 'string', description: 'Threads', default: '2' },
    rounds: { type: 'string', description: 'Rounds; medians are shown', default: '3' },
    steps: { type: 'string', description: 'Timed steps a round', default: '7' },
    simd: { type: 'string', description: '128, or 256 (Node 24 and newer)', default: '128' },
    node: { type: 'string', description: 'Version of Node, brought by npx' },
    json: { type: 'boolean', description: 'One line of JSON' },
  },
  run({ args }) {
    const workloads = args._.length > 0 ? args._ : Object.keys(WORKLOADS);
    checkWorkloads(workloads);
    const report = measureScaling({
      workloads,
      threads: Number(args.threads),
      rounds: Number(args.rounds),
      steps: Number(args.steps),
      node: args.node,
      simd: Number(args.simd) === 256 ? 256 : 128,
    });
    console.log(args.json ? JSON.stringify(report) : formatScaling(report).join('\n'));
  },
});

await runMain(command);
