/**
 * Bundles GPU.js's browser build into one ES module, src/kernels/gpujs/vendor/gpu.js.
 *
 * GPU.js is a development dependency: its package drags 84 MB of native code in through a
 * dependency that its code never loads. The bundle is made when this package is built (`prepare`),
 * is not committed, and is copied into dist, so users get GPU.js and none of the native code.
 *
 *   node scripts/bundle-gpujs.mjs            writes the bundle if it is missing or of another version
 *   node scripts/bundle-gpujs.mjs --dist     also copies it to dist
 */
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const target = path('src/kernels/gpujs/vendor/gpu.js');
const distTarget = path('dist/kernels/gpujs/vendor/gpu.js');

const packageFile = createRequire(import.meta.url).resolve('gpu.js/package.json');
const { version, license } = JSON.parse(await readFile(packageFile, 'utf8'));
const marker = `/*! GPU.js ${version} (${license}), https://gpu.rocks, bundled from its browser build.`;

const readStart = async (file) => {
  try {
    return (await readFile(file, 'utf8')).slice(0, marker.length);
  } catch (error) {
    if (error.code === 'ENOENT') {
      return '';
    }
    throw error;
  }
};

/** The licences of GPU.js and of the packages that its browser build contains. */
async function readLicences() {
  const requireFromGpuJs = createRequire(packageFile);
  const folders = [
    ['gpu.js', dirname(packageFile)],
    ...['acorn', 'gpu-mock.js'].map((name) => [name, dirname(requireFromGpuJs.resolve(`${name}/package.json`))]),
  ];
  const texts = folders.map(async ([name, folder]) => {
    const text = await readFile(join(folder, 'LICENSE'), 'utf8');
    return `${name}:\n${text.trim()}`;
  });
  return (await Promise.all(texts)).join('\n\n').replaceAll('*/', '* /');
}

if ((await readStart(target)) !== marker) {
  // Written under another name first: two builds at once, or one cut short, never leave half a file.
  const temporary = `${target}.${process.pid}.tmp`;
  await build({
    stdin: {
      contents: `import library from ${JSON.stringify(join(dirname(packageFile), 'dist/gpu-browser.min.js'))};\nexport const GPU = library.GPU;\n`,
      resolveDir: path('.'),
      sourcefile: 'gpu.js',
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    banner: { js: `${marker}\n\n${await readLicences()}\n*/` },
    outfile: temporary,
    logLevel: 'warning',
  });
  await rename(temporary, target);
}

if (process.argv.includes('--dist')) {
  await mkdir(dirname(distTarget), { recursive: true });
  await copyFile(target, distTarget);
}
