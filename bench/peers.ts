/**
 * Our training step against those of other JavaScript engines, in one run:
 * npm run bench:peers -- [--threads N] [--rounds N] [--batch N] [--json]
 * A round takes about a minute: TensorFlow.js needs over ten seconds for a step.
 */
import { availableParallelism } from 'node:os';
import { defineCommand, runMain } from 'citty';
import { formatPeers, measurePeers } from './peers/measure.js';

const command = defineCommand({
  meta: { name: 'bench:peers', description: 'QuantGrad against TensorFlow.js and jax-js' },
  args: {
    threads: { type: 'string', description: 'Threads of QuantGrad; the peers have one' },
    rounds: { type: 'string', description: 'Rounds; medians are shown', default: '1' },
    batch: { type: 'string', description: 'Batch size', default: '64' },
    json: { type: 'boolean', description: 'One line of JSON' },
  },
  run({ args }) {
    const report = measurePeers({
      threads: Number(args.threads ?? availableParallelism()),
      rounds: Number(args.rounds),
      batch: Number(args.batch),
    });
    if (typeof report === 'string') console.log(`Skipped. ${report}`);
    else console.log(args.json ? JSON.stringify(report) : formatPeers(report).join('\n'));
  },
});

await runMain(command);
