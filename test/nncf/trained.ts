/**
 * Accuracy of the trained networks of ../shared/models, quantized and fine-tuned, against the figures that NNCF reached
 * with the same weights, images and batches (NAME.nncf.json there). Without that folder it is skipped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noGrad } from '../../src/autograd/gradMode.js';
import { decodeSafetensors } from '../../src/checkpoint/safetensors.js';
import { saveModel } from '../../src/ir/index.js';
import { models } from '../../src/nn/index.js';
import type { Module } from '../../src/nn/module.js';
import { crossEntropy } from '../../src/ops/loss/crossEntropy.js';
import { Adam } from '../../src/optim/index.js';
import { quantize } from '../../src/quant/index.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { fromValues } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { type Images, imageBatch, labelBatch, MEAN, STD, unpackImages } from './cifar.js';
import { runPython } from './python.js';
import type { Results } from './results.js';

const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
const EPOCHS = 2;
const BATCH = 64;
const TEST_BATCH = 100;
/** Every so many training images one for calibration, up to this number. */
const CALIBRATION = { every: 33, count: 300 };
/** Accuracy may differ by this share from NNCF's, and a file's in OpenVINO by this from ours. */
const ACCURACY_BOUND = 0.005;
const FILE_BOUND = 0.002;
/** Single losses of a batch of 64, which both sides compute in float32. */
const LOSS_BOUND = 0.02;

interface Trained {
  readonly make: () => Module;
  readonly size: number;
  /** A name of the file, in torchvision's terms. */
  rename(name: string): string;
  /** Fine-tuned in every run; the others, which take minutes, if QUANTGRAD_NNCF_FULL is set. */
  readonly fineTuned: boolean;
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

const TRAINED: Readonly<Record<string, Trained>> = {
  'resnet20-32': { make: () => models.resnet20(), size: 32, rename: resnetName(3), fineTuned: true },
  'resnet18-64': {
    ...{ make: () => models.resnet18({ numClasses: 10 }), size: 64, rename: resnetName(2), fineTuned: false },
  },
  'mobilenetv2-64': {
    ...{ make: () => models.mobilenetV2({ numClasses: 10 }), size: 64, rename: mobilenetName, fineTuned: false },
  },
};

/** Of NAME.nncf.json. */
interface Figures {
  readonly fp32_top1: number;
  readonly ptq_top1: number;
  readonly qat_top1: number;
  readonly qat_first_losses: readonly number[];
  readonly quantizers: number;
}

function loadTrained(name: string, { make, rename }: Trained): Module {
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
async function accuracy(model: Module, images: Images, size: number): Promise<number> {
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

/** Two epochs of Adam; gives the first losses. */
async function fineTune(
  model: QuantizedModel,
  images: Images,
  order: Int32Array,
  size: number,
  kept: number,
): Promise<number[]> {
  model.train();
  const optimizer = new Adam(model.parameters(), { lr: 1e-5 });
  const losses: number[] = [];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (let start = 0; start + BATCH <= images.count; start += BATCH) {
      const from = epoch * images.count + start;
      const indices = order.subarray(from, from + BATCH);
      optimizer.zeroGrad();
      const output = model.forward(imageBatch(images, indices, size)) as Tensor;
      const loss = crossEntropy(output, labelBatch(images, indices));
      loss.backward();
      optimizer.step();
      if (losses.length < kept) losses.push((await loss.data())[0]);
    }
  }
  return losses;
}

/**
 * Whether this machine adds products of 8-bit codes without saturation. Older x86 processors saturate at 16 bits, which
 * NNCF's overflow fix of all layers prevents; its default fixes the first layer alone.
 */
function addsExactly(): boolean {
  if (!['x64', 'ia32'].includes(process.arch)) return true;
  return existsSync('/proc/cpuinfo') && /avx512_vnni|avx_vnni|amx_int8/.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

export async function compareTrained(folder: string, results: Results): Promise<void> {
  const archive = join(SHARED, 'data', 'cifar10-jpeg.tar');
  if (!existsSync(join(SHARED, 'models')) || !existsSync(archive)) {
    results.skip('Accuracy of trained networks: there is no ../shared with models and images.');
    return;
  }
  const { train, test, order } = unpackImages(folder, archive, EPOCHS);
  const files: { name: string; xml: string; size: number; mean: number[]; std: number[] }[] = [];
  const own = new Map<string, number>();
  const compare = (what: string, ours: number, theirs: number, bound: number): void => {
    // One image more or less at the bound itself is a matter of float64's last digit.
    const wrong = Math.abs(ours - theirs) <= bound + 1e-9 ? [] : [`${percent(ours)}, expected ${percent(theirs)}`];
    results.check(what, wrong);
    results.note({
      what,
      bound: `${100 * bound} points`,
      result: `${percent(ours)}, reference ${percent(theirs)}`,
    });
  };
  const exact = addsExactly();
  for (const [name, trained] of Object.entries(TRAINED)) {
    const { size } = trained;
    const deploy = async (title: string, quantized: QuantizedModel, found: number): Promise<void> => {
      const xml = `${title.replaceAll(' ', '-')}.xml`;
      await saveModel(quantized, join(folder, xml));
      files.push({ name: title, xml, size, mean: MEAN, std: STD });
      own.set(title, found);
    };
    const figures = JSON.parse(readFileSync(join(SHARED, 'models', `${name}.nncf.json`), 'utf8')) as Figures;
    const model = loadTrained(name, trained);
    const calibration = Array.from({ length: CALIBRATION.count }, (_, index) =>
      imageBatch(train, [index * CALIBRATION.every], size),
    );
    const quantized = await quantize(model, calibration);
    const found = await accuracy(quantized, test, size);
    compare(`Accuracy of ${name} after quantization, against NNCF`, found, figures.ptq_top1, ACCURACY_BOUND);
    await deploy(name, quantized, found);
    if (!exact) {
      const fixed = await quantize(model, calibration, { overflowFix: 'enable' });
      await deploy(`${name} with overflow fix`, fixed, await accuracy(fixed, test, size));
    }
    if (!trained.fineTuned && process.env.QUANTGRAD_NNCF_FULL === undefined) {
      results.skip(`Fine-tuning of ${name} (minutes): set QUANTGRAD_NNCF_FULL=1 to run it.`);
      continue;
    }
    const { qat_first_losses: expected } = figures;
    const losses = await fineTune(quantized, train, order, size, expected.length);
    const off = losses.map((loss, step) => Math.abs(loss - expected[step]) / expected[step]);
    results.check(
      `${name}: first losses of fine-tuning`,
      off.flatMap((share, step) =>
        share <= LOSS_BOUND ? [] : [`step ${step}: ${losses[step]}, NNCF ${expected[step]}`],
      ),
    );
    results.note({
      what: `First ${losses.length} losses of fine-tuning ${name}`,
      bound: `${100 * LOSS_BOUND}% at every step`,
      result: `${(100 * Math.max(...off)).toFixed(2)}% at most`,
    });
    const tuned = await accuracy(quantized, test, size);
    compare(`Accuracy of ${name} after fine-tuning, against NNCF`, tuned, figures.qat_top1, ACCURACY_BOUND);
  }
  for (const line of runPython('evaluate.py', folder, files)) {
    const { name, accuracy: inOpenvino } = line as { readonly name: string; readonly accuracy: number };
    const expected = own.get(name);
    if (expected === undefined) continue;
    const what = `Accuracy of ${name}'s file in OpenVINO, against ours`;
    if (exact || name.endsWith('with overflow fix')) compare(what, inOpenvino, expected, FILE_BOUND);
    else {
      const result = `${percent(inOpenvino)}, reference ${percent(expected)}`;
      results.note({ what, bound: 'none: sums of codes saturate on the processor of this report', result });
    }
  }
}
