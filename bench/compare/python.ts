/** The other side of the comparison: PyTorch + NNCF, in a Python environment that is made when it is missing. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** The program that times the other side, and what it needs. They lie beside the repository. */
const shared = join(root, '../shared/bench');
const program = join(shared, 'peer_qat_step.py');
const requirements = join(shared, 'requirements.txt');
const own = join(root, '.venv/bin/python');

/** Wheels of PyTorch without what graphics cards need. */
const CPU_WHEELS = 'https://download.pytorch.org/whl/cpu';

export interface Peer {
  readonly python: string;
  readonly program: string;
  /** Such as `torch 2.13.0, nncf 3.4.0`. */
  readonly versions: string;
}

/** @returns How to run the other side, or why it cannot be run, as a sentence */
export function findPeer(): Peer | string {
  if (!existsSync(program)) return `The other side's program is not at ${program}.`;
  const python = process.env.QUANTGRAD_PYTHON ?? own;
  if (!existsSync(python)) {
    if (process.env.QUANTGRAD_PYTHON) return `QUANTGRAD_PYTHON names ${python}, which does not exist.`;
    const problem = makeEnvironment();
    if (problem) return problem;
  }
  const script = 'import torch, nncf; print(f"torch {torch.__version__}, nncf {nncf.__version__}")';
  const { status, stdout, stderr } = spawnSync(python, ['-W', 'ignore', '-c', script], { encoding: 'utf8' });
  if (status !== 0) return `${python} cannot import torch and nncf: ${stderr.trim().split('\n').at(-1)}`;
  return { python, program, versions: stdout.trim().split('\n').at(-1) ?? '' };
}

function makeEnvironment(): string | null {
  if (!existsSync(requirements)) return `There is no Python environment at ${own}, and no ${requirements} to make one.`;
  console.error(`Making a Python environment in .venv from ${requirements}; this takes minutes ...`);
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] };
  try {
    execFileSync('python3', ['-m', 'venv', '.venv'], options);
    execFileSync(own, ['-m', 'pip', 'install', '-q', '--extra-index-url', CPU_WHEELS, '-r', requirements], options);
    return null;
  } catch (error) {
    return `The Python environment could not be made: ${(error as Error).message.split('\n')[0]}`;
  }
}
