/** The command line of the demo. */
import { mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ArgsDef } from 'citty';

export const ARGUMENTS = {
  seed: {
    type: 'string',
    default: '0',
    valueHint: 'number',
    description: 'Seed of the initial weights and of the order of the batches, from 0',
  },
  epochs: {
    type: 'string',
    default: '8',
    valueHint: 'number',
    description: 'Epochs of float training and of fine-tuning at 2 bits; fine-tuning at 8 bits takes a quarter of them',
  },
  out: { type: 'string', default: 'out/digits', valueHint: 'directory', description: 'Where to write the files' },
} as const satisfies ArgsDef;

export interface DemoOptions {
  readonly seed: number;
  readonly epochs: number;
  /** An absolute path; the directory exists. */
  readonly out: string;
}

/** What the user typed cannot be used; the message says why. */
export class UsageError extends Error {}

const MOST_EPOCHS = 1000;

function wholeNumber(name: string, value: unknown, least: number, most: number): number {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) {
    throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, not '${String(value)}'.`);
  }
  return number;
}

/** The options from what was parsed. @throws UsageError */
export async function readOptions(args: Readonly<Record<string, unknown>>): Promise<DemoOptions> {
  const unknown = Object.keys(args).find((name) => name !== '_' && !Object.hasOwn(ARGUMENTS, name));
  if (unknown !== undefined) {
    const known = Object.keys(ARGUMENTS).map((name) => `--${name}`);
    throw new UsageError(`There is no option --${unknown}; there are ${known.join(', ')} and --help.`);
  }
  const positional = Array.isArray(args._) ? args._.map(String) : [];
  if (positional.length > 0) throw new UsageError(`Unexpected argument '${positional[0]}'.`);
  const seed = wholeNumber('seed', args.seed, 0, Number.MAX_SAFE_INTEGER);
  const epochs = wholeNumber('epochs', args.epochs, 1, MOST_EPOCHS);
  return { seed, epochs, out: await makeDirectory(args.out) };
}

async function makeDirectory(value: unknown): Promise<string> {
  if (typeof value !== 'string' || value === '') throw new UsageError('--out must be the path of a directory.');
  const path = resolve(value);
  try {
    await mkdir(path, { recursive: true });
    if (!(await stat(path)).isDirectory()) throw new Error('it is a file');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--out: the directory ${path} cannot be made: ${reason}.`);
  }
  return path;
}
