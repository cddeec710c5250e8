import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOptions, UsageError } from '../../examples/digits/options.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantgrad-options-'));
});
afterAll(() => rm(folder, { recursive: true }));

const parsed = () => ({ _: [], seed: '0', epochs: '8', out: join(folder, 'new', 'out') });

describe("the demo's command line", () => {
  it('makes the directory', async () => {
    const options = await readOptions({ ...parsed(), seed: '9007199254740991' });
    expect(options).toEqual({ seed: Number.MAX_SAFE_INTEGER, epochs: 8, out: join(folder, 'new', 'out') });
    expect((await stat(options.out)).isDirectory()).toBe(true);
  });

  it.each([
    [{ epochs: '0' }, /--epochs must be a whole number from 1/],
    [{ epochs: '' }, /--epochs/],
    [{ epochs: 'many' }, /--epochs.*'many'/],
    [{ seed: '-1' }, /--seed must be a whole number from 0/],
    [{ seed: '1.5' }, /--seed.*'1.5'/],
    [{ seed: '9007199254740992' }, /--seed/],
    [{ seed: false }, /--seed.*'false'/],
    [{ epoch: '3' }, /no option --epoch; .*--epochs/],
    [{ out: '' }, /--out must be the path/],
    [{ _: ['digits'] }, /Unexpected argument 'digits'/],
  ])('says what is wrong with %j', async (values, message) => {
    const reading = readOptions({ ...parsed(), ...values });
    await expect(reading).rejects.toThrow(UsageError);
    await expect(reading).rejects.toThrow(message);
  });

  it('says that the path is a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(readOptions({ ...parsed(), out: file })).rejects.toThrow(file);
  });
});
