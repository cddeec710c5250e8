/** What a program loads that trains a network: the engine and the WebAssembly backend are 400 KB of JavaScript at most. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const MOST = 400_000;

/**
 * Bytes of a bundle, minified: of the files that are loaded with it, not of those that it loads when they are needed, such
 * as GPU.js. Also which folders of src they come from.
 */
async function sizeOf(contents: string): Promise<{ readonly bytes: number; readonly folders: readonly string[] }> {
  const { metafile } = await build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    outdir: 'out',
    logLevel: 'error',
  });
  const { outputs } = metafile;
  const [entry] = Object.keys(outputs).filter((name) => outputs[name].entryPoint === '<stdin>');
  const loaded = new Set([entry]);
  for (const name of loaded) {
    for (const { path, kind } of outputs[name].imports)
      if (kind === 'import-statement' && path in outputs) loaded.add(path);
  }
  const files = [...loaded].flatMap((name) => Object.keys(outputs[name].inputs));
  return {
    bytes: [...loaded].reduce((sum, name) => sum + outputs[name].bytes, 0),
    folders: [...new Set(files.filter((file) => file.startsWith('src/')).map((file) => file.split('/')[1]))],
  };
}

describe('the size of the package', () => {
  it('is at most 400 KB for tensors, operations, gradients, layers, optimizers, data, plans and WebAssembly', async () => {
    const { bytes, folders } = await sizeOf(`
      import './src/ops/methods.ts';
      export * from './src/autograd/index.ts';
      export * from './src/tensor/tensor.ts';
      export * from './src/tensor/create.ts';
      export * from './src/tensor/backend.ts';
      export * from './src/tensor/random.ts';
      export * from './src/graph/graphModule.ts';
      export * from './src/graph/trace.ts';
      export * as functional from './src/ops/functional.ts';
      export * as nn from './src/nn/index.ts';
      export * as optim from './src/optim/index.ts';
      export * as data from './src/data/index.ts';
    `);
    expect(folders).toEqual(
      expect.arrayContaining(['kernels', 'tensor', 'autograd', 'ops', 'nn', 'optim', 'data', 'graph']),
    );
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThanOrEqual(MOST);
  });

  it('has no profiler in the main module', async () => {
    const { folders } = await sizeOf("export * from './src/index.ts';");
    expect(folders).toContain('quant');
    expect(folders).not.toContain('profile');
  });
});
