/**
 * Makes dist smaller and adds the single file, after the compiler:
 *
 * - dist/quantgrad.min.js is everything but GPU.js as one ES module, for `<script type="module">` and CDNs;
 * - the program of a thread, which is a text, is minified;
 * - declarations that no entry's declarations lead to are removed: nobody can see them, and each takes a block of the disk;
 * - the other modules lose their comments (the declarations keep them), which a third of the disk's blocks hold.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const GPU_JS = './kernels/gpujs/vendor/gpu.js';

const bundleAll = () =>
  build({
    entryPoints: [join(dist, 'index.js')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'inline',
    external: ['node:*'],
    plugins: [
      {
        // GPU.js stays a file of its own, which is read when its backend is asked for.
        name: 'gpujs',
        setup: ({ onResolve }) => onResolve({ filter: /vendor\/gpu\.js$/ }, () => ({ path: GPU_JS, external: true })),
      },
    ],
    outfile: join(dist, 'quantgrad.min.js'),
    logLevel: 'warning',
  });

// The program of a thread is a text, which the minifier of the bundles leaves alone.
const workerFile = join(dist, 'kernels/wasm/threads/workerSource.js');
const { WORKER_SOURCE } = await import(workerFile);
const worker = await transform(WORKER_SOURCE, { minify: true, target: 'es2022', legalComments: 'none' });
await writeFile(workerFile, `export const WORKER_SOURCE = ${JSON.stringify(worker.code)};\n`);

await bundleAll();

const modules = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.js'));
for (const file of modules.filter((name) => !name.includes('vendor') && !name.endsWith('.min.js'))) {
  const code = await readFile(join(dist, file), 'utf8');
  // Comments within import() tell bundlers what to leave alone, and would be lost with the other white space.
  const minifyWhitespace = !code.includes('webpackIgnore');
  const result = await transform(code, { format: 'esm', target: 'es2022', legalComments: 'none', minifyWhitespace });
  await writeFile(join(dist, file), result.code);
}

const { exports } = JSON.parse(await readFile(join(dist, '../package.json'), 'utf8'));
const needed = new Set();
const queue = Object.values(exports).flatMap((entry) => (entry.import ? [join(dist, '..', entry.import.types)] : []));
for (let file = queue.pop(); file; file = queue.pop()) {
  if (needed.has(file)) continue;
  needed.add(file);
  const text = await readFile(file, 'utf8');
  // Imports, exports, import types, and the modules that declarations add to.
  for (const [, path] of text.matchAll(/(?:from|import|module|import\()\s*['"](\.[^'"]*)\.js['"]/g)) {
    queue.push(join(dirname(file), `${path}.d.ts`));
  }
}
for (const name of await readdir(dist, { recursive: true })) {
  const file = join(dist, name);
  if (file.endsWith('.d.ts') && !needed.has(file)) await rm(file);
}
