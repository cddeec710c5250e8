/**
 * Compares quantization with the real NNCF: `npm run test:nncf`, or `npm run test:nncf -- resnet18` for one network.
 * The last line is `N passed, N failed`. A whole run writes docs/nncf-parity.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nearestName } from '../../src/options.js';
import { compareArithmetic } from './arithmetic.js';
import { NETWORKS } from './networks.js';
import { comparePostTraining } from './postTraining.js';
import { Results } from './results.js';
import { EDGES, networkSubject } from './subjects.js';
import { compareTraining } from './training.js';

/** Parts of the run besides networks that can be asked for by name. */
const PARTS = ['arithmetic', 'training', 'edges'];

function chosen(given: readonly string[]): { networks: string[]; parts: string[] } {
  const networks = Object.keys(NETWORKS);
  if (given.length === 0) return { networks, parts: PARTS };
  const known = [...networks, ...PARTS];
  for (const name of given) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    throw new Error(`There is no '${name}'.${nearest ? ` Did you mean '${nearest}'?` : ''} ${known.join(', ')}`);
  }
  return {
    networks: networks.filter((name) => given.includes(name)),
    parts: PARTS.filter((name) => given.includes(name)),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'quantgrad-nncf-'));
const results = new Results();
try {
  const { networks, parts } = chosen(process.argv.slice(2));
  if (parts.includes('arithmetic')) compareArithmetic(folder, results);
  const subjects = [...networks.map(networkSubject), ...(parts.includes('edges') ? EDGES : [])];
  if (subjects.length > 0) await comparePostTraining(folder, subjects, results);
  if (parts.includes('training')) await compareTraining(folder, results);
} catch (error) {
  results.failed++;
  console.log(error instanceof Error ? error.message : String(error));
} finally {
  if (process.env.NNCF_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  else console.log(`Kept ${folder}`);
}
for (const { placement, values, int8, ...rest } of results.comparisons)
  console.log(JSON.stringify({ ...rest, ...int8 }));
for (const { what, result } of results.rows) console.log(`${what}: ${result}`);
console.log(`${results.passed} passed, ${results.failed} failed`);
process.exitCode = results.failed === 0 ? 0 : 1;
