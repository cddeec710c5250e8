/** The demo as a user runs it, shorter. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../examples/digits/demo.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantgrad-demo-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

const demo = (...values: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    // OpenVINO is another test's business, and not every machine has it.
    const env = { ...process.env, QUANTGRAD_PYTHON: join(folder, 'no-python'), NO_COLOR: '1' };
    execFile(process.execPath, ['--import', 'tsx', PROGRAM, ...values], { cwd: ROOT, env }, (error, output, errors) => {
      resolve({ code: error ? Number(error.code) : 0, output, errors });
    });
  });

/** The cells of a row of the table that are not empty. */
function row(output: string, name: string): string[] {
  const line = output.split('\n').find((each) => each.includes(`│ ${name} `)) ?? '';
  return line
    .split('│')
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '' && cell !== name);
}

const tableOf = (output: string): string => output.slice(output.indexOf('┌'), output.indexOf('OpenVINO:'));

describe('npm run demo', () => {
  it('shows how to use it', { timeout: 60_000 }, async () => {
    const { code, output } = await demo('--help');
    expect(code).toBe(0);
    for (const option of ['--seed', '--epochs', '--out']) expect(output).toContain(option);
  });

  it('says what is wrong with an option', { timeout: 60_000 }, async () => {
    const { code, errors } = await demo('--epoch', '3');
    expect(errors).toMatch(/no option --epoch.*--epochs/);
    expect(code).toBe(2);
  });

  it('gives the same table for the same seed, and writes the files', { timeout: 300_000 }, async () => {
    const outs = ['first', 'second'].map((name) => join(folder, name));
    const [first, second] = await Promise.all(outs.map((out) => demo('--epochs', '1', '--seed', '3', '--out', out)));
    expect(first).toMatchObject({ code: 0, errors: '' });
    expect(row(first.output, 'After fine-tuning')).toHaveLength(2);
    expect(tableOf(second.output)).toBe(tableOf(first.output));
    expect(row(first.output, 'Restored from the checkpoint')).toEqual(row(first.output, 'After fine-tuning'));
    expect(row(first.output, 'IR, OpenVINO')).toEqual(['not run', 'not run', 'not run']);
    for (const ratio of row(first.output, 'Float .bin / this .bin')) expect(Number(ratio)).toBeGreaterThan(3.5);
    expect((await readdir(outs[0])).sort()).toEqual(
      [
        'float.bin',
        'float.xml',
        ...['int2', 'int8'].flatMap((name) => ['bin', 'safetensors', 'xml'].map((end) => `${name}.${end}`)),
      ].sort(),
    );
  });
});
