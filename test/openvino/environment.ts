/** A Python environment with the pinned OpenVINO under .venv/, made the first time and then used again. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
const folder = join(root, '.venv');
const python = join(folder, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));

/** Prints the installed versions in the form of requirements.txt. */
const LIST = [
  'import sys',
  'from importlib.metadata import version',
  'for name in sys.argv[1:]: print(f"{name}=={version(name)}")',
].join('\n');

/** Whether the environment has every pinned package in its pinned version. */
function isComplete(): boolean {
  if (!existsSync(python)) return false;
  const pinned = readFileSync(requirements, 'utf8').split(/\s+/).filter(Boolean);
  const names = pinned.map((line) => line.split('==')[0]);
  const { status, stdout } = spawnSync(python, ['-c', LIST, ...names], { encoding: 'utf8' });
  return status === 0 && pinned.every((line) => stdout.split(/\s+/).includes(line));
}

/** The environment's interpreter. */
export function pythonWithOpenvino(): string {
  if (isComplete()) return python;
  console.log('Installing OpenVINO into .venv/ (once) ...');
  const made = spawnSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
  if (made.status !== 0) {
    throw new Error(
      'The Python environment could not be made. Install Python 3.10 or newer with its venv module (Debian and Ubuntu: apt install python3 python3-venv).',
    );
  }
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements], { stdio: 'inherit' });
  if (!isComplete()) throw new Error(`pip did not install what ${requirements} lists.`);
  return python;
}
