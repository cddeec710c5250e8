/** The UCI handwritten digits, split into training and test images. Source and licence: README.md. */
import { readFile } from 'node:fs/promises';
import { type DigitsDataset, splitDigits, toDataset } from './parse.js';

export type { DigitsDataset } from './parse.js';

const FILE = new URL('digits.csv', import.meta.url);

/** The split is the same at every call. */
export async function loadDigits(): Promise<{ train: DigitsDataset; test: DigitsDataset }> {
  const { train, test } = splitDigits(await readFile(FILE, 'utf8'), FILE.pathname);
  return { train: toDataset(train), test: toDataset(test) };
}
