/**
 * Compares quantization with the real NNCF: `npm run test:nncf`, or `npm run test:nncf -- resnet18` for one network,
 * `-- edges` for another part. The last line is `N passed, N failed`. As soon as every network has been run, in one run
 * or in several, docs/nncf-parity.md is written from the last result of each; it names the parts that have not been run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearestName } from '../../src/options.js';
import { compareAccuracyControl } from './accuracyControl.js';
import { compareArithmetic } from './arithmetic.js';
import { compareCost } from './cost.js';
import { compareFineTuning } from './fineTuning.js';
import { NETWORKS } from './networks.js';
import { comparePostTraining } from './postTraining.js';
import { reportOf } from './report.js';
import { keepSections, Results, type Section } from './results.js';
import { EDGES, networkSubject } from './subjects.js';
import { compareTrained } from './trained.js';
import { TRAINED } from './trainedNetworks.js';
import { compareTraining } from './training.js';

type Part = (folder: string, results: Results) => void | Promise<void>;

/** What is run besides networks. */
const PARTS: Readonly<Record<string, Part>> = {
  edges: (folder, results) => comparePostTraining(folder, EDGES, results, 'edges'),
  arithmetic: compareArithmetic,
  training: compareTraining,
  accuracyControl: compareAccuracyControl,
  trained: compareTrained,
  cost: compareCost,
  ...Object.fromEntries(
    Object.keys(TRAINED).map((name): [string, Part] => [
      `fineTuning-${name}`,
      (folder, results) => compareFineTuning(name, folder, results),
    ]),
  ),
};

/** Parts that take tens of minutes: run if they are named, or if QUANTGRAD_NNCF_FULL is set. */
const SLOW = new Set(Object.keys(TRAINED).flatMap((name) => (TRAINED[name].slow ? [`fineTuning-${name}`] : [])));

const SECTIONS = [...Object.keys(NETWORKS), ...Object.keys(PARTS)];
const root = fileURLToPath(new URL('../../', import.meta.url));
/** What all runs have found; written after every part, so that a run that is cut off is not lost. */
const KEPT = join(root, '.tmp', 'nncf-results.json');

function chosenSections(given: readonly string[]): string[] {
  for (const name of given) {
    if (SECTIONS.includes(name)) continue;
    const nearest = nearestName(name, SECTIONS);
    const advice = nearest ? ` Did you mean '${nearest}'?` : '';
    throw new Error(`There is no '${name}'.${advice} There are ${SECTIONS.join(', ')}.`);
  }
  if (given.length > 0) return SECTIONS.filter((name) => given.includes(name));
  return process.env.QUANTGRAD_NNCF_FULL === undefined ? SECTIONS.filter((name) => !SLOW.has(name)) : SECTIONS;
}

/** Runs a part; what it throws is a failure of it. */
async function runPart(name: string, results: Results, part: () => void | Promise<void>): Promise<void> {
  const started = performance.now();
  results.begin(name);
  try {
    await part();
  } catch (error) {
    results.begin(name);
    results.check(name, [error instanceof Error ? error.message : String(error)]);
  }
  kept = keepSections(KEPT, results);
  console.log(`${name}: ${Math.round((performance.now() - started) / 1000)} s`);
}

let kept: ReadonlyMap<string, Section> = new Map();
const folder = mkdtempSync(join(tmpdir(), 'quantgrad-nncf-'));
const results = new Results();
try {
  const chosen = chosenSections(process.argv.slice(2));
  for (const name of chosen) {
    const part: Part = PARTS[name] ?? (() => comparePostTraining(folder, [networkSubject(name)], results));
    await runPart(name, results, () => part(folder, results));
  }
} catch (error) {
  results.begin('arguments');
  results.check('arguments', [error instanceof Error ? error.message : String(error)]);
} finally {
  if (process.env.NNCF_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  else console.log(`Kept ${folder}`);
}
const told = SECTIONS.flatMap((name) => {
  const section = kept.get(name);
  return section ? [[name, section] as const] : [];
});
const missing = SECTIONS.filter((name) => !kept.has(name));
const lacking = missing.filter((name) => NETWORKS[name]);
if (lacking.length > 0) console.log(`For the report, these have to be run too: ${lacking.join(', ')}.`);
else writeFileSync(join(root, 'docs', 'nncf-parity.md'), reportOf(told, missing));
console.log(`${results.count('passed')} passed, ${results.count('failed')} failed`);
process.exitCode = results.count('failed') === 0 ? 0 : 1;
