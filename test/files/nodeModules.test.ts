import { afterEach, describe, expect, it, vi } from 'vitest';
import { UnsupportedError } from '../../src/errors.js';
import { writeFileAtomic } from '../../src/files/atomicFile.js';
import { readFileBytes } from '../../src/files/readFile.js';

afterEach(() => {
  vi.doUnmock('node:fs/promises');
});

describe('without a file system', () => {
  it.each([
    ['no such module', () => Promise.reject(new Error('not found'))],
    ['the empty module of a bundler', () => ({ open: undefined, default: {} })],
  ])('%s gives a typed error', async (_, factory) => {
    vi.doMock('node:fs/promises', factory);
    await expect(readFileBytes('model.bin')).rejects.toThrow(UnsupportedError);
    await expect(writeFileAtomic('model.bin', new Uint8Array(1))).rejects.toMatchObject({ code: 'NO_FILE_SYSTEM' });
  });
});
