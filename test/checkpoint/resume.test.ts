/** A checkpoint restored in a new process continues bit for bit. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('programs/resume.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** 8 batches make an epoch: the checkpoint is of the middle of the second one. */
const BEFORE = 13;
const AFTER = 20;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantgrad-resume-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function process(role: string, width: string, path: string): Promise<string> {
  const values = [role, width, String(BEFORE), String(AFTER), path];
  const { stdout } = await promisify(execFile)(globalThis.process.execPath, ['--import', 'tsx', PROGRAM, ...values], {
    cwd: ROOT,
    maxBuffer: 2 ** 24,
  });
  return stdout;
}

describe('training that goes on in a new process', () => {
  it.each(['8', '2', 'float'])(
    'has the same losses and weights, bit for bit (%s)',
    { timeout: 120_000 },
    async (width) => {
      const path = join(folder, `${width}.safetensors`);
      const [through] = await Promise.all([process('through', width, path), process('save', width, path)]);
      const { losses, bits } = JSON.parse(through);
      const restored = JSON.parse(await process('restore', width, path));
      expect(losses).toHaveLength(AFTER);
      expect(new Set(losses).size).toBe(AFTER);
      expect(restored.losses).toEqual(losses);
      expect(Object.keys(bits).length).toBeGreaterThan(20);
      expect(restored.bits).toEqual(bits);
    },
  );
});
