/** The trained networks of ../shared/models: their weights, the images that they were trained on, and NNCF's figures. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noGrad } from '../../src/autograd/gradMode.js';
import { decodeSafetensors } from '../../src/checkpoint/safetensors.js';
import { models } from '../../src/nn/index.js';
import type { Module } from '../../src/nn/module.js';
import { fromValues } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { type Images, imageBatch, unpackImages } from './cifar.js';
import type { Results } from './results.js';

const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
export const EPOCHS = 2;
const TEST_BATCH = 100;
/** Every so many training images one for calibration, up to this number. */
const CALIBRATION = { every: 33, count: 300 };
/** Accuracy may differ by this share from NNCF's. */
export const ACCURACY_BOUND = 0.005;

export interface Trained {
  readonly make: () => Module;
  readonly size: number;
  /** A name of the file, in torchvision's terms. */
  rename(name: string): string;
  /** Whether fine-tuning takes so long (tens of minutes) that a run of everything leaves it out. */
  readonly slow: boolean;
  /** Single losses of a batch of 64 may differ by this share: what float32 sums in another order change in them. */
  readonly lossBound: number;
}

/** Blocks are numbered through in the file, and by stage in the model. */
const resnetName =
  (depth: number) =>
  (name: string): string =>
    name
      .replace(/^stem\.0\./, 'conv1.')
      .replace(/^stem\.1\./, 'bn1.')
      .replace(/^layers\.(\d+)\./, (_, index) => `layer${Math.floor(index / depth) + 1}.${index % depth}.`);

/** In the file, layers of a block or of the ends are not grouped. */
function mobilenetName(name: string): string {
  const [, index, rest] = name.match(/^features\.(\d+)\.(.*)$/) ?? [];
  if (index === undefined) return name;
  const position = Number(index);
  if (position < 2) return `features.0.${position}.${rest}`;
  if (position >= 20) return `features.18.${position - 20}.${rest}`;
  const block = position - 2;
  const inner = rest.replace(/^conv\.(\d+)\./, (_, digits) => {
    const place = Number(digits);
    const last = block === 1 ? 3 : 6;
    return place >= last ? `conv.${place - last + last / 3}.` : `conv.${Math.floor(place / 3)}.${place % 3}.`;
  });
  return `features.${block}.${inner}`;
}

export const TRAINED: Readonly<Record<string, Trained>> = {
  'resnet20-32': { make: () => models.resnet20(), size: 32, rename: resnetName(3), slow: false, lossBound: 0.02 },
  'resnet18-64': {
    ...{
      make: () => models.resnet18({ numClasses: 10 }),
      size: 64,
      rename: resnetName(2),
      slow: true,
      lossBound: 0.02,
    },
  },
  'mobilenetv2-64': {
    ...{ make: () => models.mobilenetV2({ numClasses: 10 }), size: 64, rename: mobilenetName, slow: true },
    // NNCF's own first losses move by up to 7% when all images are multiplied by 1 + 1e-6.
    lossBound: 0.1,
  },
};

/** Of NAME.nncf.json. */
export interface Figures {
  readonly fp32_top1: number;
  readonly ptq_top1: number;
  readonly qat_top1: number;
  readonly qat_first_losses: readonly number[];
  readonly quantizers: number;
}

export function loadTrained(name: string, { make, rename }: Trained): Module {
  const { tensors } = decodeSafetensors(readFileSync(join(SHARED, 'models', `${name}.safetensors`)));
  const model = make();
  const { missing } = model.loadStateDict(
    new Map([...tensors].map(([key, { data, shape, dtype }]) => [rename(key), fromValues(data, shape, dtype)])),
    { strict: false },
  );
  const lacking = missing.filter((key) => !key.endsWith('numBatchesTracked'));
  if (lacking.length > 0) throw new Error(`${name}: the file lacks ${lacking.join(', ')}.`);
  return model.eval();
}

const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, index) => start + index);

/** Share of the test images whose class is the largest output. */
export async function accuracy(model: Module, images: Images, size: number): Promise<number> {
  model.eval();
  let right = 0;
  for (let start = 0; start < images.count; start += TEST_BATCH) {
    const indices = range(start, Math.min(TEST_BATCH, images.count - start));
    const output = noGrad(() => model.forward(imageBatch(images, indices, size)) as Tensor);
    const values = await output.data();
    const classes = output.shape[1];
    indices.forEach((index, item) => {
      const row = Array.from(values.subarray(item * classes, (item + 1) * classes));
      if (row.indexOf(Math.max(...row)) === images.labels[index]) right++;
    });
  }
  return right / images.count;
}

/** The images, unless the folder with them and the models is not there, which is then noted. */
export function trainedImages(folder: string, results: Results): ReturnType<typeof unpackImages> | null {
  const archive = join(SHARED, 'data', 'cifar10-jpeg.tar');
  if (existsSync(join(SHARED, 'models')) && existsSync(archive)) return unpackImages(folder, archive, EPOCHS);
  results.skip('Trained networks: there is no ../shared with models and images.');
  return null;
}

export const figuresOf = (name: string): Figures =>
  JSON.parse(readFileSync(join(SHARED, 'models', `${name}.nncf.json`), 'utf8')) as Figures;

/** The images that NNCF calibrated with. */
export const calibrationImages = (train: Images, { size }: Trained): Tensor[] =>
  Array.from({ length: CALIBRATION.count }, (_, index) => imageBatch(train, [index * CALIBRATION.every], size));

export const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

/** Checks and notes a share of right answers beside another one. */
export function compareAccuracy(results: Results, what: string, ours: number, theirs: number, bound: number): void {
  // One image more or less at the bound itself is a matter of float64's last digit.
  const wrong = Math.abs(ours - theirs) <= bound + 1e-9 ? [] : [`${percent(ours)}, expected ${percent(theirs)}`];
  results.check(what, wrong);
  results.note({ what, bound: `${100 * bound} points`, result: `${percent(ours)}, reference ${percent(theirs)}` });
}
