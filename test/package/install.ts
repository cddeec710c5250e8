/** Packs the package and installs the tarball as a user would: into an empty folder, with scripts allowed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program to its end, and keeps what it prints. */
export function runProgram(program: string, args: readonly string[], cwd: string): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    timeout: 300_000,
  });
  return { status: error ? null : status, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` };
}

/** As `runProgram`; a program that fails is an error. */
export function runOrThrow(program: string, args: readonly string[], cwd: string): string {
  const { status, output } = runProgram(program, args, cwd);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${output.trim().slice(-1500)}`);
  return output;
}

export interface Installed {
  /** The folder of the program that uses the package. */
  readonly folder: string;
  readonly tarball: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
  remove(): void;
}

/** Builds, packs and installs. `--no-build` in the arguments takes dist as it is. */
export function installPackage(): Installed {
  if (!process.argv.includes('--no-build')) {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const folder = mkdtempSync(join(tmpdir(), 'quantgrad-package-'));
  const packed = runOrThrow('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT);
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  runOrThrow('npm', ['install', '--no-audit', '--no-fund', '--foreground-scripts', join(folder, filename)], folder);
  return {
    folder,
    tarball: join(folder, filename),
    files: files.map(({ path }) => path),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const readJson = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8'));
