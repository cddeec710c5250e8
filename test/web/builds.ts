/** The page as each bundler makes it. Every build is a folder with index.html, which the server gives out as it is. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import { runOrThrow } from '../package/install.js';

const WEBPACK = 'webpack@5.112.2';
const APP = fileURLToPath(new URL('app/', import.meta.url));

const html = (script: string): string => `<!doctype html><meta charset="utf-8"><title>QuantGrad</title>${script}`;
const MODULE = '<script type="module" src="./page.js"></script>';

/** Copies the program into the folder where the package is installed, and makes all builds. */
export async function makeBuilds(folder: string): Promise<ReadonlyMap<string, string>> {
  const source = join(folder, 'app');
  cpSync(APP, source, { recursive: true });
  const builds = new Map<string, string>();
  const newBuild = (name: string, page: string): string => {
    const out = join(folder, 'builds', name);
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'index.html'), html(page));
    builds.set(name, out);
    return out;
  };
  const entries = [join(source, 'page.js'), join(source, 'worker.js')];
  const common = { bundle: true, minify: true, platform: 'browser', target: 'es2022', logLevel: 'warning' } as const;
  const external = ['node:*'];

  const split = newBuild('esbuild', MODULE);
  await esbuild({ ...common, external, entryPoints: entries, format: 'esm', splitting: true, outdir: split });

  const classic = newBuild('esbuild, one classic script', '<script src="./page.js"></script>');
  await esbuild({
    ...common,
    external,
    entryPoints: [entries[0]],
    format: 'iife',
    outdir: classic,
    logOverride: { 'empty-import-meta': 'silent' },
  });

  // No bundler: the package's own single file, under the name that the program imports.
  const single = newBuild('single file', MODULE);
  cpSync(join(folder, 'node_modules/quantgrad/dist/quantgrad.min.js'), join(single, 'quantgrad.min.js'));
  for (const name of ['page.js', 'worker.js', 'train.js']) {
    const text = readFileSync(join(source, name), 'utf8').replace("from 'quantgrad'", "from './quantgrad.min.js'");
    writeFileSync(join(single, name), text);
  }

  writeFileSync(join(source, 'index.html'), html('<script type="module" src="./page.js"></script>'));
  const viteOut = newBuild('vite', '');
  await vite({
    root: source,
    base: './',
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: viteOut, emptyOutDir: true, target: 'es2022' },
  });

  const webpackOut = newBuild('webpack', '<script src="./main.js"></script>');
  runOrThrow('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-save', WEBPACK], folder);
  writeFileSync(
    join(folder, 'webpack.mjs'),
    `import webpack from 'webpack';
const compiler = webpack({
  mode: 'production',
  performance: { hints: false },
  entry: ${JSON.stringify(entries[0])},
  output: { path: ${JSON.stringify(webpackOut)} },
});
compiler.run((error, stats) => {
  const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
  for (const { message } of [...(error ? [error] : []), ...errors, ...warnings]) console.error(message);
  compiler.close(() => process.exit(error || errors.length + warnings.length > 0 ? 1 : 0));
});
`,
  );
  runOrThrow(process.execPath, ['webpack.mjs'], folder);
  return builds;
}
