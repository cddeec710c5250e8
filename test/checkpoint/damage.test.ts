/** Files that are damaged, of another version, or cannot be read or written. */
import { spawnSync } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CheckpointError,
  deserializeCheckpoint,
  FileError,
  loadCheckpoint,
  manualSeed,
  nn,
  saveCheckpoint,
  serializeCheckpoint,
} from 'quantgrad';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpointFile, encodeCheckpointFile } from '../../src/checkpoint/checkpointFile.js';
import { adam, everythingOf, quantizedNet, SmallNet, trainSteps } from './networks.js';

let folder: string;
let bytes: Uint8Array;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantgrad-checkpoint-'));
  manualSeed(0);
  const model = await quantizedNet();
  const optimizer = adam(model);
  trainSteps(model, optimizer, 1);
  bytes = await serializeCheckpoint({ model, optimizer });
});
afterAll(() => rm(folder, { recursive: true }));

/** Restores damaged bytes and expects a `CheckpointError` that changes nothing. @returns Its code. */
function refusedCode(damaged: Uint8Array): string {
  const model = new SmallNet();
  const before = everythingOf(model);
  try {
    deserializeCheckpoint(damaged, { model, optimizer: (built) => adam(built.model) }, 'the file');
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toContain('the file');
    expect(everythingOf(model)).toEqual(before);
    return (error as CheckpointError).code;
  }
  throw new Error('The damage was not noticed.');
}

/** The checkpoint with other metadata and a checksum that fits. */
function withMetadata(change: (metadata: Record<string, string>) => Record<string, string>): Uint8Array {
  const { tensors, metadata } = decodeCheckpointFile(bytes);
  return encodeCheckpointFile(tensors, change(metadata));
}

describe('a damaged checkpoint', () => {
  it('is refused when it is cut anywhere', () => {
    for (let part = 0; part < 60; part++) {
      refusedCode(bytes.slice(0, Math.floor((bytes.length * part) / 60)));
    }
    refusedCode(bytes.slice(0, bytes.length - 1));
  });

  it('is refused when any bit is flipped', () => {
    const stride = Math.ceil(bytes.length / 300);
    for (let position = 0; position < bytes.length; position += stride) {
      const damaged = bytes.slice();
      damaged[position] ^= 1 << (position % 8);
      refusedCode(damaged);
    }
  });

  it('is refused when it has more at its end, or is something else', () => {
    refusedCode(Uint8Array.of(...bytes, 0));
    refusedCode(new TextEncoder().encode('<?xml version="1.0"?><net name="model" version="11"></net>'));
    refusedCode(new Uint8Array(0));
  });
});

describe('a checkpoint of another version', () => {
  it('is refused when it is newer, saying so', () => {
    expect(refusedCode(withMetadata((metadata) => ({ ...metadata, 'quantgrad.version': '2' })))).toBe('NEWER_VERSION');
  });

  it('is refused when it does not say its version or describes nothing', () => {
    const { 'quantgrad.manifest': _, ...rest } = decodeCheckpointFile(bytes).metadata;
    expect(refusedCode(withMetadata(() => ({})))).toBe('NOT_A_CHECKPOINT');
    expect(refusedCode(withMetadata((all) => ({ ...all, 'quantgrad.version': 'new' })))).toBe('NOT_A_CHECKPOINT');
    expect(refusedCode(withMetadata(() => rest))).toBe('BAD_MANIFEST');
    expect(refusedCode(withMetadata(() => ({ ...rest, 'quantgrad.manifest': '{' })))).toBe('BAD_MANIFEST');
    expect(refusedCode(withMetadata(() => ({ ...rest, 'quantgrad.manifest': '{"model":1}' })))).toBe('BAD_MANIFEST');
  });

  it('is refused when its quantizers are of a newer version', () => {
    const newer = withMetadata((all) => {
      const manifest = JSON.parse(all['quantgrad.manifest']);
      manifest.model.quantization.version = 99;
      return { ...all, 'quantgrad.manifest': JSON.stringify(manifest) };
    });
    expect(refusedCode(newer)).toBe('CHECKPOINT_MISMATCH');
  });
});

describe('the path of a checkpoint', () => {
  const model = new nn.Linear(64, 64);

  it('is written and read', async () => {
    const path = join(folder, 'good.safetensors');
    await saveCheckpoint(path, { model, epoch: 3 });
    expect((await loadCheckpoint(path, { model: new nn.Linear(64, 64) })).epoch).toBe(3);
  });

  it.each([
    ['there is no such file', 'missing.safetensors', 'NOT_FOUND'],
    ['it is a directory', '.', 'IS_A_DIRECTORY'],
  ])('gives a typed error when reading: %s', async (_, name, code) => {
    const loading = loadCheckpoint(join(folder, name), { model });
    await expect(loading).rejects.toBeInstanceOf(FileError);
    await expect(loading).rejects.toMatchObject({ code });
  });

  it('gives a typed error when writing into a directory that is missing, or is a file', async () => {
    await writeFile(join(folder, 'plain'), '');
    for (const [name, code] of [
      ['missing/last.safetensors', 'NOT_FOUND'],
      ['plain/last.safetensors', 'NOT_A_DIRECTORY'],
    ]) {
      const saving = saveCheckpoint(join(folder, name), { model });
      await expect(saving).rejects.toBeInstanceOf(FileError);
      await expect(saving).rejects.toMatchObject({ code });
    }
  });

  it('keeps the old file when what is to be saved cannot be', async () => {
    const path = join(folder, 'kept.safetensors');
    await saveCheckpoint(path, { model });
    const before = await readFile(path);
    await expect(saveCheckpoint(path, { model, callback: () => 0 })).rejects.toMatchObject({ code: 'NOT_SAVEABLE' });
    expect(await readFile(path)).toEqual(before);
  });

  it('gives a typed error on a full device', async (context) => {
    const exists = await access('/dev/full').then(
      () => true,
      () => false,
    );
    if (!exists) return context.skip();
    await expect(saveCheckpoint('/dev/full', { model })).rejects.toMatchObject({ code: 'NO_SPACE' });
  });

  it('keeps the old file and nothing else on a full disk', async (context) => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status === 0;
    if (!mounted) return context.skip();
    try {
      const path = join(disk, 'last.safetensors');
      await saveCheckpoint(path, { model });
      const before = await readFile(path);
      const saving = saveCheckpoint(path, { model: new nn.Linear(256, 256) });
      await expect(saving).rejects.toBeInstanceOf(FileError);
      await expect(saving).rejects.toMatchObject({ code: 'NO_SPACE' });
      expect(await readFile(path)).toEqual(before);
      expect(await readdir(disk)).toEqual(['last.safetensors']);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});
