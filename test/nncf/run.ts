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

function chosenNetworks(given: readonly string[]): string[] {
  const known = Object.keys(NETWORKS);
  for (const name of given) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    throw new Error(
      `There is no network '${name}'.${nearest ? ` Did you mean '${nearest}'?` : ''} ${known.join(', ')}`,
    );
  }
  return given.length > 0 ? [...given] : known;
}

const folder = mkdtempSync(join(tmpdir(), 'quantgrad-nncf-'));
const results = new Results();
try {
  const given = process.argv.slice(2);
  if (given.length === 0 || given.includes('arithmetic')) compareArithmetic(folder, results);
  await comparePostTraining(folder, chosenNetworks(given.filter((name) => name !== 'arithmetic')), results);
} catch (error) {
  results.failed++;
  console.log(error instanceof Error ? error.message : String(error));
} finally {
  if (process.env.NNCF_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  else console.log(`Kept ${folder}`);
}
console.table(results.comparisons.map(({ placement, values, ...rest }) => rest));
console.log(`${results.passed} passed, ${results.failed} failed`);
process.exitCode = results.failed === 0 ? 0 : 1;
