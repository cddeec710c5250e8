/** Other versions of Node: `npx -y node@24` brings one on any machine that reaches the npm registry. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const known = new Map<string, string>();

/**
 * The program that is Node of a version.
 * @param version Such as `24`; undefined: the Node that runs this.
 * @throws Error if npx cannot bring it
 */
export function nodeProgram(version?: string): string {
  if (version === undefined || version === process.versions.node.split('.')[0]) return process.execPath;
  const found = known.get(version);
  if (found) return found;
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  try {
    const path = execFileSync(npx, ['-y', `node@${version}`, '-p', 'process.execPath'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    known.set(version, path);
    return path;
  } catch {
    throw new Error(`npx could not bring Node ${version}; does this machine reach the npm registry?`);
  }
}

/** Runs a script of this folder and returns what it printed as lines of JSON. */
export function runScript<T>(script: string, options: readonly string[], node?: string, timeout = 1_800_000): T[] {
  const { stdout, stderr, status, error } = spawnSync(
    nodeProgram(node),
    ['--import', 'tsx', join(import.meta.dirname, script), ...options],
    { cwd: root, encoding: 'utf8', timeout, maxBuffer: 2 ** 28 },
  );
  if (status !== 0) throw new Error(`bench/${script} failed: ${error?.message ?? stderr.trim().slice(-2000)}`);
  return jsonLines(stdout);
}

export const jsonLines = <T>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
