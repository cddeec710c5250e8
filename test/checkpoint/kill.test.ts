/** A process that is killed while it saves leaves a complete checkpoint: the older or the newer one. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { loadCheckpoint, nn, saveCheckpoint, type Tensor } from 'quantgrad';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('programs/saveLoop.ts', import.meta.url));
const KILLS = 100;
/** Children at the same time. */
const LANES = 2;
/** A save takes a few milliseconds: within this time every part of one is hit. */
const LONGEST_LIFE = 40;

let folder: string;
let program: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantgrad-kill-'));
  program = join(folder, 'saveLoop.mjs');
  // As one file of plain JavaScript it starts ten times as fast.
  await build({
    entryPoints: [PROGRAM],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    external: ['../kernels/gpujs/*'],
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** Starts the loop and kills it at a random moment after its first save. @returns The last number that it reported. */
function killOnce(path: string, first: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, path, String(first)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let reported = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      reported += chunk;
    });
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), Math.random() * LONGEST_LIFE));
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(Number(reported.trimEnd().split('\n').at(-1)));
      else reject(new Error(`The save loop ended by itself: ${errors}`));
    });
  });
}

/** The number of the checkpoint at the path, of which every value must be that number's. */
async function readNumber(path: string): Promise<number> {
  const { model, number, momentum } = await loadCheckpoint(path, { model: new nn.Linear(96, 96) });
  const values = await Promise.all(model.parameters().map((parameter) => parameter.data()));
  expect(new Set(values.flatMap((array) => [...array]))).toEqual(new Set([number]));
  expect(new Set(await (momentum as Tensor).data())).toEqual(new Set([-(number as number)]));
  return number as number;
}

describe('a process that is killed while it saves', () => {
  it(`leaves a complete older or newer checkpoint, ${KILLS} times`, { timeout: 300_000 }, async () => {
    let saves = 0;
    const lane = async (index: number): Promise<void> => {
      const directory = await mkdtemp(join(folder, `lane${index}-`));
      const path = join(directory, 'last.safetensors');
      let next = 1;
      for (let kill = 0; kill < KILLS / LANES; kill++) {
        const reported = await killOnce(path, next);
        const found = await readNumber(path);
        // The newest may have taken its name just before it could be reported.
        expect([reported, reported + 1]).toContain(found);
        saves += found - next + 1;
        next = found + 1;
      }
      await saveCheckpoint(path, { model: new nn.Linear(96, 96) });
      expect(await readdir(directory)).toEqual(['last.safetensors']);
    };
    await Promise.all(Array.from({ length: LANES }, (_, index) => lane(index)));
    expect(saves).toBeGreaterThan(KILLS);
  });
});
