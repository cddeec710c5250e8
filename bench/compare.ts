/**
 * Both sides of the speed comparison, one after the other, three rounds: npm run bench:compare -- [--threads N] WORKLOAD...
 * The other side is PyTorch + NNCF in a Python environment (QUANTGRAD_PYTHON, or .venv); its program lies beside the
 * repository, in ../shared/bench. Writes bench/RESULTS.md.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { defineCommand, runMain } from 'citty';
import { WORKLOADS } from './networks.js';

const root = join(import.meta.dirname, '..');
const peer = join(root, '../shared/bench/peer_qat_step.py');
const ROUNDS = 3;

interface Figures {
  readonly workload: string;
  readonly fp32_step_ms: number;
  readonly qat_step_ms: number;
  readonly fp32_infer_ms: number;
  readonly max_rss_mb: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function run(program: string, args: readonly string[]): Figures[] {
  const output = execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Figures);
}

const command = defineCommand({
  meta: { name: 'bench:compare', description: 'QuantGrad against PyTorch + NNCF' },
  args: { threads: { type: 'string', description: 'Threads of both sides', default: '2' } },
  run({ args }) {
    const python = process.env.QUANTGRAD_PYTHON ?? join(root, '.venv/bin/python');
    if (!existsSync(peer) || !existsSync(python)) {
      console.log(
        `Skipped: the comparison needs ${peer} and a Python environment with torch, nncf and ninja at ${python}.`,
      );
      return;
    }
    const names = args._.length > 0 ? args._ : Object.keys(WORKLOADS);
    const rows = names.map((name) => {
      const ours: Figures[] = [];
      const theirs: Figures[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(...run(process.execPath, ['--import', 'tsx', 'bench/train.ts', '--threads', args.threads, name]));
        theirs.push(...run(python, [peer, '--threads', args.threads, name]));
      }
      const pick = (list: readonly Figures[], key: 'fp32_step_ms' | 'qat_step_ms' | 'max_rss_mb'): number =>
        median(list.map((figures) => figures[key]));
      const [a, b] = [pick(ours, 'qat_step_ms'), pick(theirs, 'qat_step_ms')];
      const cells = [
        name,
        pick(ours, 'fp32_step_ms'),
        a,
        pick(theirs, 'fp32_step_ms'),
        b,
        (a / b).toFixed(2),
        pick(ours, 'max_rss_mb'),
        pick(theirs, 'max_rss_mb'),
      ];
      console.log(cells.join(' | '));
      return `| ${cells.join(' | ')} |`;
    });
    const text = [
      '# QuantGrad against PyTorch + NNCF',
      '',
      `Written by \`npm run bench:compare -- --threads ${args.threads}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}.`,
      `Milliseconds per training step; medians of ${ROUNDS} rounds, both sides in turn on the same machine.`,
      '',
      '| workload | our float step | our QAT step | their float step | their QAT step | QAT ours / theirs | our RSS MB | their RSS MB |',
      '|---|---|---|---|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
    writeFileSync(join(root, 'bench/RESULTS.md'), text);
  },
});

await runMain(command);
