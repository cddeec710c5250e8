/** The written files in real OpenVINO, where there is a Python that has it. */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DigitsDataset } from './dataset.js';

const SCRIPT = fileURLToPath(new URL('openvino_top1.py', import.meta.url));
const ENVIRONMENT = fileURLToPath(
  new URL(process.platform === 'win32' ? '../../.venv/Scripts/python.exe' : '../../.venv/bin/python', import.meta.url),
);
const TIME_LIMIT = 60_000;

export interface OpenVinoModel {
  readonly top1: number;
  /** Number of convolutions and fully-connected layers, and how many of them run in INT8. */
  readonly layers: number;
  readonly int8Layers: number;
}

export interface OpenVinoResult {
  readonly version: string;
  /** One for each path. */
  readonly models: readonly OpenVinoModel[];
}

/** The Python to use: what QUANTGRAD_PYTHON names, else that of `npm run test:openvino`, if there is one. */
async function findPython(): Promise<string | null> {
  const named = process.env.QUANTGRAD_PYTHON;
  if (named) return named;
  return access(ENVIRONMENT).then(
    () => ENVIRONMENT,
    () => null,
  );
}

/** The results, or why there are none. */
export async function runOpenVino(
  paths: readonly string[],
  dataset: DigitsDataset,
): Promise<OpenVinoResult | { readonly reason: string }> {
  const python = await findPython();
  if (python === null) return { reason: 'npm run test:openvino makes the Python environment that it needs' };
  const [images, labels] = dataset.tensors;
  const request = JSON.stringify({
    models: paths,
    shape: images.shape,
    images: Array.from(await images.data()),
    labels: Array.from(await labels.data()),
  });
  try {
    return JSON.parse(await run(python, [SCRIPT], request)) as OpenVinoResult;
  } catch (error) {
    const message = error instanceof Error ? error.message.trim() : String(error);
    return { reason: `${python} failed: ${message.split('\n').at(-1)}` };
  }
}

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: TIME_LIMIT }, (error, output) => {
      if (error) reject(error);
      else resolve(output);
    });
    // A program that does not start or ends early is reported above; writing to it then is no second error.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
