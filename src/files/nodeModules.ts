/**
 * Node's modules for files, loaded on first use: a bundle for the browser carries none of them, and
 * what needs them says so with a typed error there.
 */
import type * as fileSystem from 'node:fs/promises';
import type * as operatingSystem from 'node:os';
import type * as paths from 'node:path';
import { UnsupportedError } from '../errors.js';

export interface NodeModules {
  readonly fs: typeof fileSystem;
  readonly os: typeof operatingSystem;
  readonly path: typeof paths;
}

/** @throws UnsupportedError `NO_FILE_SYSTEM` where there is none, such as in a browser */
export async function loadNodeModules(): Promise<NodeModules> {
  try {
    // The comments, and awaiting each import within `try`, let bundlers for the browser pass over these.
    const fs = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:fs/promises');
    const os = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:os');
    const path = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:path');
    // Some bundlers put an empty module in the place of each.
    if (typeof fs.open !== 'function') throw new TypeError('node:fs/promises is empty');
    return { fs, os, path };
  } catch (error) {
    throw new UnsupportedError(
      'NO_FILE_SYSTEM',
      'Paths work in Node only: there is no file system here. Use the functions that take and give bytes instead.',
      {},
      error,
    );
  }
}
