/**
 * Completes dist after the compiler: for each entry of the package's exports, an `index.cjs` that `require` finds, and
 * its types. It hands on the ES module itself, which Node 20.19 and newer can require, so that a program that
 * uses both forms has one copy of everything: one backend, one class Tensor.
 *
 *   node scripts/commonjs.mjs            writes the files into dist
 *   node scripts/commonjs.mjs --clean    removes dist, so that nothing of an earlier build is packed
 */
import { readFile, rm, writeFile } from 'node:fs/promises';

const path = (relative) => new URL(`../${relative}`, import.meta.url);

if (process.argv.includes('--clean')) {
  await rm(path('dist'), { recursive: true, force: true });
} else {
  const { exports } = JSON.parse(await readFile(path('package.json'), 'utf8'));
  for (const entry of Object.values(exports)) {
    if (typeof entry === 'string') continue;
    await writeFile(path(entry.require.default), "'use strict';\nmodule.exports = require('./index.js');\n");
    await writeFile(path(entry.require.types), "export * from './index.js';\n");
  }
}
