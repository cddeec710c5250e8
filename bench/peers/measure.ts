/**
 * Runs the JavaScript peers and our own step in turn. The peers are installed with npm into a folder that git ignores, so
 * that neither the package nor its development install depends on them.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, runScript } from '../engine.js';

const folder = join(import.meta.dirname, '../../.bench');

export interface PeerResult {
  readonly peer: string;
  readonly device: string;
  readonly engine: string;
  /** Median of the timed steps. */
  readonly step_ms?: number;
  readonly error?: string;
}

/** A peer's figures, and how much faster ours are. */
export interface PeerComparison {
  readonly peer: string;
  readonly device: string;
  /** Median over the rounds; undefined where it cannot do the step. */
  readonly milliseconds?: number;
  readonly error?: string;
  /** The peer's time divided by ours. */
  readonly timesFaster?: number;
}

export interface PeersReport {
  readonly threads: number;
  readonly batch: number;
  /** Our own step, on all threads and on one. */
  readonly ours: { readonly milliseconds: number; readonly oneThread: number };
  readonly peers: readonly PeerComparison[];
}

export interface PeerOptions {
  readonly threads: number;
  readonly rounds: number;
  readonly batch: number;
}

/** @returns null, or why the peers are not there */
function install(): string | null {
  const [wanted, present] = [join(import.meta.dirname, 'packages.json'), join(folder, 'package.json')];
  const isCurrent =
    existsSync(join(folder, 'node_modules/@tensorflow/tfjs')) &&
    existsSync(join(folder, 'node_modules/@jax-js/jax')) &&
    readFileSync(wanted, 'utf8') === readFileSync(present, 'utf8');
  if (isCurrent) return null;
  mkdirSync(folder, { recursive: true });
  copyFileSync(wanted, present);
  console.error('Installing the peers into .bench (about 300 MB) ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status, stderr, error } = spawnSync(
    npm,
    ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=dev'],
    {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  if (status === 0) return null;
  const reason = error?.message ?? stderr.split('\n').find((line) => line.includes('code')) ?? 'npm failed';
  return `The peers could not be installed (${reason.trim()}). They come from the npm registry; is this machine offline?`;
}

/** How many steps of each: TensorFlow.js takes many seconds for one. */
const SCRIPTS = [
  { script: 'jax.mjs', steps: 5, warmup: 2 },
  { script: 'tfjs.mjs', steps: 2, warmup: 1 },
] as const;

/** @returns The figures, or why there are none, as a sentence */
export function measurePeers({ threads, rounds, batch }: PeerOptions): PeersReport | string {
  const missing = install();
  if (missing) return missing;
  const ours: number[] = [];
  const alone: number[] = [];
  const theirs = new Map<string, PeerResult[]>();
  const own = (count: number): number => {
    const options = ['small-cnn-28-b64', '--float', '--threads', String(count), '--batch', String(batch)];
    const [{ step_ms }] = runScript<{ readonly step_ms: number }>('timeStep.ts', options);
    return step_ms;
  };
  for (let round = 0; round < rounds; round++) {
    for (const { script, steps, warmup } of SCRIPTS) {
      ours.push(own(threads));
      alone.push(own(1));
      const options = { folder, steps, warmup, batch };
      const results = runScript<PeerResult>(
        `peers/${script}`,
        Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
      );
      for (const result of results) {
        const key = `${result.peer}|${result.device}`;
        theirs.set(key, [...(theirs.get(key) ?? []), result]);
      }
    }
  }
  const milliseconds = median(ours);
  return {
    threads,
    batch,
    ours: { milliseconds, oneThread: median(alone) },
    peers: [...theirs.values()].map((results): PeerComparison => {
      const [{ peer, device }] = results;
      const error = results.find((result) => result.error !== undefined)?.error;
      if (error !== undefined) return { peer, device, error };
      const own = median(results.map(({ step_ms }) => step_ms as number));
      return { peer, device, milliseconds: own, timesFaster: own / milliseconds };
    }),
  };
}

/** The report as lines of Markdown. */
export function formatPeers({ threads, batch, ours, peers }: PeersReport): string[] {
  return [
    '| engine | device | float step ms | QuantGrad is faster by |',
    '|---|---|---|---|',
    `| QuantGrad | WebAssembly, ${threads} threads | ${ours.milliseconds.toFixed(1)} | |`,
    `| QuantGrad | WebAssembly, 1 thread | ${ours.oneThread.toFixed(1)} | |`,
    ...peers.map(({ peer, device, milliseconds, error, timesFaster }) =>
      error === undefined
        ? `| ${peer} | ${device} | ${milliseconds?.toFixed(1)} | ${timesFaster?.toFixed(1)} |`
        : `| ${peer} | ${device} | cannot: ${error.replaceAll('|', '/')} | |`,
    ),
    '',
    `Float training step of the small CNN, batch ${batch}: forward, cross entropy, backward, SGD with momentum. Both peers have one thread in Node.`,
  ];
}
