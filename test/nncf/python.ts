/** Runs a Python program of this folder on a manifest and gives the JSON that it prints line by line. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonWithNncf } from './environment.js';

export function runPython(script: string, folder: string, manifest: unknown): unknown[] {
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { status, stdout, stderr, error } = spawnSync(pythonWithNncf(), [path, folder], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    // NNCF compiles an extension for PyTorch where it can; waiting for another process that does is of no use.
    env: { NNCF_EXTENSION_LOAD_TIMEOUT: '0', ...process.env },
  });
  if (error || status !== 0) {
    throw new Error(`${script} failed (${error?.message ?? `exit code ${status}`}):\n${stderr.slice(-2000)}`);
  }
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line));
}
