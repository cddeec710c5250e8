/**
 * Sizes of bundles: a program that only runs a quantized model must be less than half of one that trains. Both are bundled
 * from the installed package for browsers, by esbuild, minified; GPU.js, which is a file of its own, is in neither.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

/** Reads a model from bytes and runs it; feeds its input from an array. */
export const RUNS = `import { InferenceSession, tensor } from 'ENTRY';
export async function classify(xml, bin, values) {
  const session = await InferenceSession.create({ xml, bin });
  const [input] = session.inputs;
  const [scores] = Object.values(await session.run({ [input.name]: tensor(values).reshape([1, ...input.shape.slice(1)]) }));
  return scores.data();
}
`;

/** What trains: the road in the README, with both usual optimizers. */
export const TRAINS = `import { data, functional as F, loadCheckpoint, nn, optim, quantize, randint, randn, saveCheckpoint, saveModel } from 'quantgrad';
const make = () => new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.Flatten(), new nn.Linear(144, 10));
export async function train(adam) {
  const images = new data.TensorDataset(randn([128, 1, 8, 8]), randint(0, 10, [128]));
  const loader = new data.DataLoader(images, { batchSize: 32, shuffle: true, seed: 0 });
  const calibration = new data.CalibrationDataset(loader, ([image]) => image);
  const quantized = await quantize(make(), calibration, { subsetSize: 300 });
  quantized.train();
  const optimizer = new (adam ? optim.Adam : optim.SGD)(quantized.parameters(), { lr: 1e-5 });
  for await (const [image, label] of loader) {
    optimizer.zeroGrad();
    F.crossEntropy(quantized.forward(image), label).backward();
    optimizer.step();
  }
  await saveCheckpoint('last.safetensors', { model: quantized, optimizer, loader, epoch: 1 });
  const restored = await loadCheckpoint('last.safetensors', { model: make() });
  await saveModel(restored.model.eval(), 'model.xml');
}
`;

const OPTIONS = {
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  external: ['node:*', '*/vendor/gpu.js'],
  metafile: true,
  logLevel: 'error',
} satisfies BuildOptions & { metafile: true };

/** The engine: tensors, gradients, layers, optimizers, data, plans, and the WebAssembly backend with all its kernels. */
export const ENGINE = `export { compile, data, functional, init, info, manualSeed, nn, noGrad, optim, rand, randint, randn, setThreads, Tensor, tensor } from 'quantgrad';`;

/** Bytes that a program loads at its start: without what it loads when it needs it, such as the GPU.js backend. */
export async function bytesAtStart(folder: string, name: string, program: string): Promise<number> {
  const source = join(folder, `${name}.mjs`);
  writeFileSync(source, program);
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: [source],
    outdir: join(folder, name),
    splitting: true,
  });
  const outputs = new Map(Object.entries(metafile.outputs));
  const wanted = [...outputs.keys()].filter((path) => outputs.get(path)?.entryPoint?.endsWith(`${name}.mjs`));
  for (const path of wanted) {
    for (const { path: other, kind } of outputs.get(path)?.imports ?? []) {
      if (kind === 'import-statement' && outputs.has(other) && !wanted.includes(other)) wanted.push(other);
    }
  }
  return wanted.reduce((sum, path) => sum + (outputs.get(path)?.bytes ?? 0), 0);
}

/** Bytes of the bundle of a program in `folder`, where the package is installed. */
export async function bundle(folder: string, name: string, program: string): Promise<{ path: string; bytes: number }> {
  const source = join(folder, `${name}.mjs`);
  const path = join(folder, `${name}.bundle.mjs`);
  writeFileSync(source, program);
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: [source],
    outfile: path,
  });
  const [output] = Object.values(metafile.outputs);
  return { path, bytes: output.bytes };
}

/** Imports a bundle, which needs nothing else. */
export const load = (path: string): Promise<Record<string, unknown>> => import(pathToFileURL(path).href);
