/** Every gradient case: what the other files of this folder export as `cases`. */
import { readdirSync } from 'node:fs';
import type { OperationCase } from './operationCase.js';

const NO_CASES = ['index.ts', 'operationCase.ts'];
const folder = new URL('.', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !NO_CASES.includes(file));

async function load(file: string): Promise<readonly OperationCase[]> {
  const { cases } = (await import(/* @vite-ignore */ new URL(file, folder).href)) as {
    cases?: readonly OperationCase[];
  };
  if (!cases) throw new Error(`test/ops/cases/${file} does not export cases`);
  return cases;
}

export const CASES: readonly OperationCase[] = (await Promise.all(files.sort().map(load))).flat();
