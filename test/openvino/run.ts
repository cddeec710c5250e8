/**
 * Proves exported models against the real OpenVINO: `npm run test:openvino`. Hand-built and random networks are
 * written in float and quantized; one Python process loads, runs and compares them all (check.py).
 * The last line is `N passed, N failed`. `OPENVINO_RANDOM=20` draws fewer networks, `OPENVINO_SEED=7` only that one.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manualSeed } from '../../src/tensor/random.js';
import { type Case, writeCases } from './cases.js';
import { pythonWithOpenvino } from './environment.js';
import { handBuilt } from './networks/handBuilt.js';
import { randomNetwork } from './networks/random.js';

interface Report {
  readonly name: string;
  readonly faults: readonly string[];
  readonly relative_error?: number;
  readonly layers?: number;
  /** Of a quantized model, computed as the file describes it and in INT8. */
  readonly float?: Agreement;
  readonly int8?: Agreement;
}

interface Agreement {
  /** Share of the values within one quantum of the last quantizer. */
  readonly within: number;
  /** Share within a hundredth of it. */
  readonly equal: number;
}

const RANDOM_NETWORKS = 200;
/** Every fourth network keeps the whole range of codes. */
const FULL_RANGE_EVERY = 4;

function randomSeeds(): number[] {
  const { OPENVINO_SEED, OPENVINO_RANDOM } = process.env;
  if (OPENVINO_SEED !== undefined) return [Number(OPENVINO_SEED)];
  return Array.from({ length: Number(OPENVINO_RANDOM ?? RANDOM_NETWORKS) }, (_, index) => index + 1);
}

async function writeAll(folder: string): Promise<{ cases: Case[]; failures: string[] }> {
  const cases: Case[] = [];
  const failures: string[] = [];
  const write = async (name: string, network: () => Parameters<typeof writeCases>[1], seed: number): Promise<void> => {
    try {
      cases.push(...(await writeCases(folder, network(), seed, seed % FULL_RANGE_EVERY === 0)));
    } catch (error) {
      failures.push(
        `${name}: ${error instanceof Error ? String(error.stack).split('\n').slice(0, 3).join('\n') : String(error)}`,
      );
    }
  };
  manualSeed(1);
  for (const [index, network] of handBuilt().entries()) await write(network.name, () => network, 1001 + index);
  for (const seed of randomSeeds()) await write(`random ${seed}`, () => randomNetwork(seed), seed);
  return { cases, failures };
}

function check(python: string, folder: string, cases: readonly Case[]): Report[] {
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(cases));
  const script = fileURLToPath(new URL('check.py', import.meta.url));
  const { status, stdout, stderr, error } = spawnSync(python, [script, folder], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error || status !== 0)
    console.log(`The checking process failed (${error?.message ?? `exit code ${status}`}):\n${stderr}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Report);
}

const percent = (share: number): string => `${(100 * share).toFixed(3)}%`;

function summarize(reports: readonly Report[]): void {
  const errors = reports.flatMap((report) => report.relative_error ?? []);
  console.log(`Float: ${errors.length} models, largest relative error ${Math.max(...errors).toExponential(2)}.`);
  const layers = reports.reduce((sum, report) => sum + (report.layers ?? 0), 0);
  console.log(`Quantized: ${layers} layers with weights.`);
  for (const [kind, text] of [
    ['float', 'as the file says, in float'],
    ['int8', 'in INT8'],
  ] as const) {
    const found = reports.flatMap((report) => report[kind] ?? []);
    const mean = (key: keyof Agreement) => found.reduce((sum, each) => sum + each[key], 0) / found.length;
    console.log(
      `  ${text}: ${found.length} models; within one quantum ${percent(mean('within'))} of the values ` +
        `(worst model ${percent(Math.min(...found.map(({ within }) => within)))}), equal ${percent(mean('equal'))}.`,
    );
  }
}

const folder = mkdtempSync(join(tmpdir(), 'quantgrad-openvino-'));
let passed = 0;
let failed = 0;
try {
  const python = pythonWithOpenvino();
  const started = Date.now();
  const { cases, failures } = await writeAll(folder);
  console.log(`Wrote ${cases.length} models in ${Math.round((Date.now() - started) / 1000)} s.`);
  const reports = check(python, folder, cases);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  const byName = new Map(reports.map((report) => [report.name, report]));
  for (const { name } of cases) {
    const faults = byName.get(name)?.faults ?? ['not checked'];
    if (faults.length === 0) passed++;
    else {
      failed++;
      console.log(`FAILED ${name}: ${faults.join('; ')}`);
    }
  }
  // A network that could not be written counts as its float and its quantized model.
  failed += 2 * failures.length;
  summarize(reports);
} catch (error) {
  failed++;
  console.log(error instanceof Error ? error.message : String(error));
} finally {
  if (process.env.OPENVINO_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  else console.log(`Kept ${folder}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
