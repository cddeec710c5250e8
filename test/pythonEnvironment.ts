/** A Python environment with pinned packages in a folder of the repository, made the first time and then used again. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

export interface PythonEnvironment {
  /** Folder for it, relative to the repository; ignored by git. */
  readonly folder: string;
  /** Path of the list of packages, each line `name==version` or an option of pip. */
  readonly requirements: string;
  /** What it is for, such as `OpenVINO`. */
  readonly what: string;
  /** Name of an environment variable with the path of an interpreter to use instead, if it has the same packages. */
  readonly variable?: string;
}

/** Prints the installed versions in the form of requirements.txt, without the build's label (`+cpu`). */
const LIST = [
  'import sys',
  'from importlib.metadata import version',
  'for name in sys.argv[1:]: print(f"{name}=={version(name).split(\'+\')[0]}")',
].join('\n');

/** Whether an interpreter has every pinned package in its pinned version. */
function isComplete(python: string, requirements: string): boolean {
  if (!existsSync(python)) return false;
  const pinned = readFileSync(requirements, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.includes('=='));
  const names = pinned.map((line) => line.split('==')[0]);
  const { status, stdout } = spawnSync(python, ['-c', LIST, ...names], { encoding: 'utf8' });
  return status === 0 && pinned.every((line) => stdout.split(/\s+/).includes(line.trim()));
}

/** The environment's interpreter. */
export function pythonOf({ folder, requirements, what, variable }: PythonEnvironment): string {
  const given = variable === undefined ? undefined : process.env[variable];
  if (given !== undefined) {
    if (isComplete(given, requirements)) return given;
    throw new Error(`${variable} names ${given}, which lacks packages or has other versions than ${requirements}.`);
  }
  const path = join(root, folder);
  const python = join(path, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  if (isComplete(python, requirements)) return python;
  console.log(`Installing ${what} into ${folder}/ (once) ...`);
  const made = spawnSync('python3', ['-m', 'venv', path], { stdio: 'inherit' });
  if (made.status !== 0) {
    throw new Error(
      'The Python environment could not be made. Install Python 3.10 or newer with its venv module (Debian and Ubuntu: apt install python3 python3-venv).',
    );
  }
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements], { stdio: 'inherit' });
  if (!isComplete(python, requirements)) throw new Error(`pip did not install what ${requirements} lists.`);
  return python;
}
