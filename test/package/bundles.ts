/**
 * Sizes of bundles: a program that only runs a quantized model must be less than half of one that trains. Both are bundled
 * from the installed package for browsers, by esbuild, minified; GPU.js, which is a file of its own, is in neither.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Reads a model from bytes and runs it; feeds its input from an array. */
export const RUNS = `import { InferenceSession, tensor } from 'ENTRY';
export async function classify(xml, bin, values) {
  const session = await InferenceSession.create({ xml, bin });
  const [input] = session.inputs;
  const [scores] = Object.values(await session.run({ [input.name]: tensor(values).reshape([1, ...input.shape.slice(1)]) }));
  return scores.data();
}
`;

/** The least that trains: quantize, optimizer, loss, checkpoint, file. */
export const TRAINS = `import { functional, nn, optim, quantize, saveCheckpoint, saveModel } from 'quantgrad';
export async function train(images, labels) {
  const model = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.Flatten(), new nn.Linear(64, 3));
  const quantized = await quantize(model, images);
  const optimizer = new optim.Adam(quantized.train().parameters(), { lr: 0.01 });
  functional.crossEntropy(quantized.forward(images[0]), labels).backward();
  optimizer.step();
  await saveCheckpoint('last.safetensors', { model: quantized, optimizer });
  await saveModel(quantized.eval(), 'model.xml');
}
`;

/** Bytes of the bundle of a program in `folder`, where the package is installed. */
export async function bundle(folder: string, name: string, program: string): Promise<{ path: string; bytes: number }> {
  const source = join(folder, `${name}.mjs`);
  const path = join(folder, `${name}.bundle.mjs`);
  writeFileSync(source, program);
  const { metafile } = await build({
    entryPoints: [source],
    outfile: path,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: ['node:*', '*/vendor/gpu.js'],
    metafile: true,
    logLevel: 'error',
  });
  const [output] = Object.values(metafile.outputs);
  return { path, bytes: output.bytes };
}

/** Imports a bundle, which needs nothing else. */
export const load = (path: string): Promise<Record<string, unknown>> => import(pathToFileURL(path).href);
