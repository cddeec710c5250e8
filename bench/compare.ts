/**
 * The speed comparison: QuantGrad, with 128 bits on this Node and 256 on Node 24, against PyTorch + NNCF, all in turn, and
 * against JavaScript engines; with how it scales. Prints the report and writes it to bench/RESULTS.md:
 *
 *   npm run bench:compare -- [--threads N] [--rounds N] [--resume] [--steps N] [WORKLOAD...]
 *
 * What is measured goes into .bench/compare.json at once: `--resume` goes on where an interrupted run stopped.
 * `--without peer,wide,peers,scaling` leaves parts out.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineCommand, runMain } from 'citty';
import { findPeer, type Peer } from './compare/python.js';
import { comparisonLines, type Figures, machineLines, Results, SIDES, type Side } from './compare/results.js';
import { jsonLines, nodeProgram, runScript } from './engine.js';
import { WORKLOADS } from './networks.js';
import { formatPeers, measurePeers } from './peers/measure.js';
import { formatScaling, measureScaling } from './scaling/measure.js';
import { checkWorkloads } from './steps.js';
import { PEERS } from './targets.js';

const root = join(import.meta.dirname, '..');
const PARTS = ['peer', 'wide', 'peers', 'scaling'] as const;

/** Networks whose batches double in reasonable time. */
const SCALED = ['small-cnn-28-b64', 'resnet20-32-b64', 'mobilenetv2-64-b32', 'resnet18-32-b32'];

interface Run {
  readonly threads: string;
  readonly steps: string;
  readonly peer: Peer | null;
}

function measure(side: Side, workload: string, { threads, steps, peer }: Run): Figures {
  if (side !== 'peer') {
    const wide = side === 'wide';
    const options = ['--json', '--threads', threads, '--steps', steps, ...(wide ? ['--simd', '256'] : []), workload];
    return runScript<Figures>('train.ts', options, wide ? '24' : undefined)[0];
  }
  const { python, program } = peer as Peer;
  const { status, stdout, stderr } = spawnSync(python, [program, '--threads', threads, '--steps', steps, workload], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${program} failed: ${stderr.trim().slice(-2000)}`);
  return jsonLines<Figures>(stdout)[0];
}

/** Why a part fails is a line of the report; the others go on. */
function attempt(lines: () => string[]): string[] {
  try {
    return lines();
  } catch (error) {
    return [`Not measured: ${(error as Error).message.split('\n')[0]}`];
  }
}

function peersLines(threads: number, rounds: number): string[] {
  const report = measurePeers({ threads, rounds, batch: 64 });
  if (typeof report === 'string') return [`Not measured. ${report}`];
  const nearest = Math.min(...report.peers.map(({ timesFaster }) => timesFaster ?? Number.POSITIVE_INFINITY));
  const verdict = `Faster than the best of them ${nearest.toFixed(1)} times (>= ${PEERS}, ${nearest >= PEERS ? 'met' : 'not met'}).`;
  return [...formatPeers(report), '', verdict];
}

const command = defineCommand({
  meta: { name: 'bench:compare', description: 'QuantGrad against PyTorch + NNCF and JavaScript engines' },
  args: {
    threads: { type: 'string', description: 'Threads of both sides', default: '2' },
    rounds: { type: 'string', description: 'Rounds; medians are reported', default: '3' },
    steps: { type: 'string', description: 'Timed steps per figure', default: '7' },
    resume: { type: 'boolean', description: 'Go on with an interrupted run' },
    without: { type: 'string', description: `Parts to leave out: ${PARTS.join(', ')}`, default: '' },
    output: { type: 'string', description: 'Where the report goes', default: 'bench/RESULTS.md' },
  },
  run({ args }) {
    const workloads = args._.length > 0 ? args._ : Object.keys(WORKLOADS);
    checkWorkloads(workloads);
    const left = args.without.split(',').filter((part) => part !== '');
    const unknown = left.find((part) => !(PARTS as readonly string[]).includes(part));
    if (unknown) throw new Error(`There is no part '${unknown}'; there are ${PARTS.join(', ')}.`);
    const results = new Results(join(root, '.bench/compare.json'), args.resume === true);
    const found = left.includes('peer') ? 'It was left out.' : findPeer();
    if (typeof found === 'string') results.missing.set('peer', found);
    if (left.includes('wide')) results.missing.set('wide', 'It was left out.');
    else {
      try {
        nodeProgram('24');
      } catch (error) {
        results.missing.set('wide', (error as Error).message);
      }
    }
    const run: Run = { threads: args.threads, steps: args.steps, peer: typeof found === 'string' ? null : found };
    const [threads, rounds] = [Number(args.threads), Number(args.rounds)];
    for (let round = 0; round < rounds; round++) {
      for (const workload of workloads) {
        for (const side of SIDES) {
          if (results.missing.has(side) || results.has(side, round, workload)) continue;
          const figures = measure(side, workload, run);
          results.add(side, round, figures);
          console.error(`round ${round + 1}, ${side}: ${JSON.stringify(figures)}`);
        }
      }
    }
    const scaled = SCALED.filter((workload) => workloads.includes(workload));
    const scaling = (node: string | undefined, simd: 128 | 256): string[] =>
      attempt(() =>
        formatScaling(measureScaling({ workloads: scaled, threads, rounds, node, simd, steps: Number(args.steps) })),
      );
    const report = [
      '# Speed of QuantGrad',
      '',
      `Written by \`npm run bench:compare\` on ${new Date().toISOString().slice(0, 10)}.`,
      '',
      ...machineLines(results, threads, run.peer?.versions ?? ''),
      ...comparisonLines(results),
      '',
      ...(left.includes('peers') ? [] : ['## JavaScript engines', '', ...attempt(() => peersLines(threads, 1)), '']),
      ...(left.includes('scaling')
        ? []
        : [
            '## Batches, threads, first step, matrix product',
            '',
            ...scaling(undefined, 128),
            ...(results.missing.has('wide') ? [] : ['', ...scaling('24', 256)]),
            '',
          ]),
    ].join('\n');
    console.log(report);
    writeFileSync(join(root, args.output), `${report.trimEnd()}\n`);
  },
});

await runMain(command);
