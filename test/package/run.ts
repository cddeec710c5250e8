/**
 * `npm run test:package`: packs and installs the package as a user would, and checks what arrives: its size, that nothing
 * native and no install script is in it, that programs run from ES modules and through `require`, and that types resolve.
 * publint and are-the-types-wrong come from the npm registry; without it they are skipped, as `npm audit` is.
 * `--no-build` takes dist as it is. The last line is `N passed, N failed`.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { bundle, bytesAtStart, ENGINE, load, RUNS, TRAINS } from './bundles.js';
import { type Installed, installPackage, ROOT, readJson, runOrThrow, runProgram } from './install.js';
import { COMMONJS, ESM, TYPES } from './programs.js';
import { ensure, Report, Skip } from './report.js';
import { checkRuntimes } from './runtimes.js';

const MOST_BYTES = 6_000_000;
const MOST_ENGINE_BYTES = 400_000;
const MOST_DEPENDENCIES = 3;
const PUBLINT = 'publint@0.3.25';
const ARE_THE_TYPES_WRONG = '@arethetypeswrong/cli@0.18.5';

interface Advice {
  readonly metadata?: { readonly vulnerabilities?: { readonly total?: number } };
}

/** Paths of all files in a folder, relative to it. */
const filesIn = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((path) => statSync(join(folder, path)).isFile());

/** Bytes on a disk that gives files room in blocks of 4 KiB, as most do. */
const bytesOnDisk = (folder: string, files: readonly string[]): number =>
  files.reduce((sum, path) => sum + Math.ceil(statSync(join(folder, path)).size / 4096) * 4096, 0);

async function checkContents(report: Report, { folder, files }: Installed): Promise<void> {
  const modules = join(folder, 'node_modules');
  const installed = filesIn(modules);
  const manifests = installed
    .filter((path) => path.endsWith(`${sep}package.json`))
    .map((path) => ({ path, manifest: readJson(join(modules, path)) }))
    // Files of that name inside of packages say only how modules are to be read.
    .filter(({ manifest }) => typeof manifest.name === 'string' && typeof manifest.version === 'string');
  await report.check(`less than ${MOST_BYTES / 1e6} MB are installed`, () => {
    const bytes = bytesOnDisk(modules, installed);
    ensure(bytes < MOST_BYTES, `${bytes} bytes`);
    return `${(bytes / 1e6).toFixed(2)} MB in ${installed.length} files`;
  });
  await report.check(`at most ${MOST_DEPENDENCIES} packages come with it`, () => {
    const names = manifests.map(({ manifest }) => String(manifest.name)).filter((name) => name !== 'quantgrad');
    ensure(manifests.length > names.length, 'quantgrad itself is not installed');
    ensure(names.length <= MOST_DEPENDENCIES, names.join(', '));
    return names.join(', ');
  });
  await report.check('nothing native is in them', () => {
    const native = installed.filter((path) => /\.(node|so|dll|dylib|gyp|gypi|cc|cpp)$/.test(path));
    ensure(native.length === 0, native.join(', '));
    return undefined;
  });
  await report.check('no package runs a script when it is installed', () => {
    for (const { path, manifest } of manifests) {
      const scripts = Object.keys((manifest.scripts ?? {}) as object);
      // npm runs `prepare` in a checkout only, not for a tarball.
      const running = scripts.filter((name) => ['preinstall', 'install', 'postinstall'].includes(name));
      ensure(running.length === 0, `${path}: ${running.join(', ')}`);
    }
    return undefined;
  });
  await report.check('every file that the exports name is packed, and no sources or tests', () => {
    const { exports } = readJson(join(modules, 'quantgrad', 'package.json'));
    const named = [...JSON.stringify(exports).matchAll(/"\.\/([^"]+\.[a-z.]+)"/g)].map(([, path]) => path);
    const missing = named.filter((path) => !existsSync(join(modules, 'quantgrad', path)));
    ensure(named.length > 20 && missing.length === 0, `missing: ${missing.join(', ')}`);
    const unwanted = files.filter((path) => /(^|\/)(src|test|bench)\/|\.map$|\.test\./.test(path));
    ensure(unwanted.length === 0, `unwanted: ${unwanted.slice(0, 5).join(', ')}`);
    return `${files.length} files`;
  });
  await report.check('npm audit knows no vulnerability', () => {
    const { output } = runProgram('npm', ['audit', '--omit=dev', '--json'], folder);
    let advice: Advice = {};
    try {
      advice = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)) as Advice;
    } catch {
      // What is no report says so below.
    }
    const total = advice.metadata?.vulnerabilities?.total;
    if (total === undefined) throw new Skip('the registry does not answer audits here');
    ensure(total === 0, output.slice(0, 1000));
    return undefined;
  });
}

async function checkPrograms(report: Report, { folder }: Installed): Promise<void> {
  const run = (name: string, program: string): string => {
    writeFileSync(join(folder, name), program);
    const output = runOrThrow(process.execPath, ['--no-warnings', name], folder);
    ensure(output.trim().endsWith('done true'), `it printed ${output}`);
    return `Node ${process.version}`;
  };
  await report.check('a model is quantized, trained, saved and run from an ES module', () => run('program.mjs', ESM));
  await report.check('the same through require, with the same classes', () => {
    // Absent in Node before 20.19, which cannot require ES modules.
    const { features } = process as { features: { require_module?: boolean } };
    if (!features.require_module) throw new Skip(`Node ${process.version} cannot require ES modules`);
    return run('program.cjs', COMMONJS);
  });
}

async function checkTypes(report: Report, { folder }: Installed): Promise<void> {
  const compile = (name: string, options: readonly string[]): undefined => {
    writeFileSync(join(folder, name), TYPES);
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const common = ['--noEmit', '--strict', '--target', 'ES2022', '--lib', 'ES2022,DOM,DOM.Iterable'];
    runOrThrow(process.execPath, [compiler, ...common, ...options, name], folder);
    return undefined;
  };
  const skipping = ['--skipLibCheck'];
  await report.check('types resolve under node16', () => compile('types.mts', ['--module', 'node16', ...skipping]));
  await report.check('types resolve under node16 in CommonJS', () =>
    compile('types.cts', ['--module', 'node16', ...skipping]),
  );
  await report.check('types resolve under bundler', () =>
    compile('types.ts', ['--module', 'esnext', '--moduleResolution', 'bundler', ...skipping]),
  );
}

/** A tool of the registry on the tarball; its own exit code is the verdict. */
function runTool(folder: string, tool: string, args: readonly string[]): undefined {
  const { status, output } = runProgram('npx', ['--yes', tool, ...args], folder);
  if (/E404|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ETARGET|E403/.test(output))
    throw new Skip('it cannot be downloaded');
  ensure(status === 0, output.trim().slice(-3000));
}

async function checkBundles(report: Report, { folder }: Installed): Promise<void> {
  await report.check('a bundle that only runs a quantized model is less than half of one that trains', async () => {
    const trains = await bundle(folder, 'trains', TRAINS);
    const sizes: string[] = [];
    for (const entry of ['quantgrad', 'quantgrad/runtime']) {
      const runs = await bundle(folder, `runs-${sizes.length}`, RUNS.replace('ENTRY', entry));
      const ratio = runs.bytes / trains.bytes;
      sizes.push(`${runs.bytes} bytes from '${entry}' (${(ratio * 100).toFixed(1)} %)`);
      ensure(ratio < 0.5, `${sizes.join(', ')} of ${trains.bytes}`);
    }
    return `${sizes.join(', ')} of ${trains.bytes}`;
  });
  await report.check('the engine and the WebAssembly backend are at most 400 KB, minified', async () => {
    const bytes = await bytesAtStart(folder, 'engine', ENGINE);
    ensure(bytes <= MOST_ENGINE_BYTES, `${bytes} bytes`);
    return `${bytes} bytes`;
  });
  await report.check('a bundle that only runs a model runs a saved one', async () => {
    const { classify } = (await load(join(folder, 'runs-1.bundle.mjs'))) as {
      classify(xml: Uint8Array, bin: Uint8Array, values: readonly number[]): Promise<ArrayLike<number>>;
    };
    const [xml, bin] = ['model.xml', 'model.bin'].map((name) => readFileSync(join(folder, name)));
    const scores = await classify(
      xml,
      bin,
      Array.from({ length: 36 }, (_, index) => index / 36),
    );
    ensure(scores.length === 3 && [...Array.from(scores)].every(Number.isFinite), `it gave ${Array.from(scores)}`);
    return undefined;
  });
  await report.check('a bundle of nothing but tensors trains', async () => {
    const program = `import { tensor } from 'quantgrad';
      export function slope() { const x = tensor([1, 2], { requiresGrad: true }); x.slice([0], [1]).mul(x).sum().backward(); return [...x.grad.dataSync()]; }`;
    const { path, bytes } = await bundle(folder, 'tensors', program);
    const { slope } = (await load(path)) as { slope(): number[] };
    ensure(String(slope()) === '4,1', `the gradient is ${slope()}`);
    return `${bytes} bytes`;
  });
}

async function main(): Promise<void> {
  const report = new Report();
  const installed = installPackage();
  try {
    await checkContents(report, installed);
    await checkPrograms(report, installed);
    await checkBundles(report, installed);
    await checkRuntimes(report, installed);
    await checkTypes(report, installed);
    const { folder, tarball } = installed;
    await report.check('publint finds nothing', () => runTool(folder, PUBLINT, [tarball, '--strict']));
    await report.check('are-the-types-wrong finds nothing (node16 and bundler)', () =>
      runTool(folder, ARE_THE_TYPES_WRONG, [tarball, '--profile', 'node16', '--no-color', '--format', 'ascii']),
    );
  } finally {
    installed.remove();
  }
  report.end();
}

await main();
