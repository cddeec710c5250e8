/** The demo, smaller and in this process: its table and its files are the same, byte by byte, on one thread and on two. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { data, manualSeed, saveModel } from 'quantgrad';
import { afterAll, expect, it, vi } from 'vitest';
import { type DigitsDataset, loadDigits } from '../../examples/digits/dataset.js';
import { runLowBits } from '../../examples/digits/lowBits.js';
import { DigitsNet } from '../../examples/digits/network.js';
import { top1, trainModel } from '../../examples/digits/training.js';
import { defaultBackend, setDefaultBackend } from '../../src/tensor/backend.js';
import { withThreads } from '../kernels/wasm/threads/tools.js';

const folders: string[] = [];
const before = defaultBackend();
afterAll(async () => {
  setDefaultBackend(before);
  vi.restoreAllMocks();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

const first = (dataset: DigitsDataset, count: number): DigitsDataset => {
  const [images, labels] = dataset.tensors;
  return new data.TensorDataset(images.narrow(0, 0, count), labels.narrow(0, 0, count));
};

/** The cells of the table, and the files by name. */
async function demo(threads: number): Promise<{ readonly table: number[]; readonly files: Map<string, Buffer> }> {
  const backend = await withThreads(threads);
  setDefaultBackend(backend);
  const out = await mkdtemp(join(tmpdir(), 'quantgrad-threads-'));
  folders.push(out);
  const whole = await loadDigits();
  // 150 = 2 x 64 + 22: the last batch is a short one.
  const digits = { train: first(whole.train, 150), test: first(whole.test, 90) };
  manualSeed(5);
  const network = new DigitsNet();
  await trainModel(network, digits.train, { title: 'Float', epochs: 10, lr: 1e-2, seed: 5 });
  const table = [await top1(network, digits.test)];
  await saveModel(network, join(out, 'float.xml'), { inputs: [digits.test.tensors[0]] });
  for (const { bits, lr } of [
    { bits: 8, lr: 1e-4 },
    { bits: 2, lr: 1e-3 },
  ]) {
    const result = await runLowBits(network, digits, { bits, epochs: 1, lr, seed: 5, out });
    table.push(result.quantized, result.fineTuned, result.restored, result.ir);
  }
  await backend.dispose();
  const names = (await readdir(out)).sort();
  return {
    table,
    files: new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(out, name))] as const))),
  };
}

it('the same table and files on 1 and 2 threads', { timeout: 120_000 }, async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const [one, two] = [await demo(1), await demo(2)];
  expect(two.table).toEqual(one.table);
  // It has learned something: ten classes.
  expect(one.table[0]).toBeGreaterThan(0.3);
  expect([...two.files.keys()]).toEqual([...one.files.keys()]);
  expect(one.files.size).toBe(8);
  for (const [name, bytes] of one.files) expect(two.files.get(name)?.equals(bytes), name).toBe(true);
});
