/** Fine-tuning against NNCF for PyTorch: the same weights, calibration and batches, and the loss of every step. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Module } from '../../src/nn/module.js';
import { crossEntropy } from '../../src/ops/loss/crossEntropy.js';
import { Adam, SGD } from '../../src/optim/index.js';
import { quantize } from '../../src/quant/index.js';
import { fromValues, randn } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { NETWORKS } from './networks.js';
import { runPython } from './python.js';
import type { Results } from './results.js';
import { randomizeWeights } from './weights.js';

const STEPS = 100;
const BATCH = 16;
const CLASSES = 10;
/** Losses may differ by this share at every step. */
const LOSS_BOUND = 0.01;

interface Setting {
  readonly optimizer: 'adam' | 'sgd';
  readonly lr: number;
  readonly preset: 'performance' | 'mixed';
}

const SETTINGS: readonly Setting[] = [
  { optimizer: 'adam', lr: 1e-5, preset: 'performance' },
  { optimizer: 'sgd', lr: 1e-3, preset: 'mixed' },
];

const TRAINED = ['lenet5', 'resnet20'];

/** Values in a file, for NumPy. */
function writeValues(folder: string, file: string, tensor: Tensor): { file: string; shape: readonly number[] } {
  writeFileSync(join(folder, file), tensor.dataSync() as Float32Array | Int32Array);
  return { file, shape: tensor.shape };
}

interface Batches {
  /** [STEPS, BATCH, ...]. */
  readonly images: Tensor;
  /** [STEPS, BATCH]. */
  readonly labels: Tensor;
}

/** Noise on one pattern for each class, so that there is something to learn. */
function drawBatches(shape: readonly number[], generator: Generator): Batches {
  const item = shape.slice(1);
  const size = item.reduce((product, extent) => product * extent, 1);
  const patterns = randn([CLASSES, size], { generator }).dataSync();
  const noise = randn([STEPS * BATCH, size], { generator }).dataSync();
  const labels = Int32Array.from({ length: STEPS * BATCH }, () => Math.floor(CLASSES * generator.uniformDouble()));
  const images = Float32Array.from(noise, (value, index) => {
    const image = Math.floor(index / size);
    return value + patterns[labels[image] * size + (index % size)];
  });
  return {
    images: fromValues(images, [STEPS, BATCH, ...item], 'float32'),
    labels: fromValues(labels, [STEPS, BATCH], 'int32'),
  };
}

/** One batch of a stack of them. */
const batchOf = (stack: Tensor, step: number): Tensor => stack.narrow(0, step, 1).reshape(stack.shape.slice(1));

async function train(model: Module, { images, labels }: Batches, setting: Setting): Promise<number[]> {
  const first = batchOf(images, 0);
  const calibration = Array.from({ length: BATCH }, (_, index) => first.narrow(0, index, 1));
  const quantized = (await quantize(model, calibration, { preset: setting.preset })).train();
  const Optimizer = setting.optimizer === 'adam' ? Adam : SGD;
  const optimizer = new Optimizer(quantized.parameters(), { lr: setting.lr });
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const loss = crossEntropy(quantized.forward(batchOf(images, step)) as Tensor, batchOf(labels, step));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push((await loss.data())[0]);
  }
  return losses;
}

/** PyTorch's spelling of a name: runningMean -> running_mean. */
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export async function compareTraining(folder: string, results: Results): Promise<void> {
  const cases: Record<string, unknown>[] = [];
  const own = new Map<string, number[]>();
  for (const network of TRAINED) {
    const { make, shape } = NETWORKS[network];
    manualSeed(1);
    const generator = new Generator(5);
    const model = make();
    randomizeWeights(model, shape, generator);
    const batches = drawBatches(shape, generator);
    const state = [...model.stateDict()].filter(([, { dtype }]) => dtype === 'float32');
    const weights = Object.fromEntries(
      state.map(([name, tensor]) => [snakeCase(name), writeValues(folder, `${network}.${name}.bin`, tensor)]),
    );
    const images = writeValues(folder, `${network}.images.bin`, batches.images);
    const labels = writeValues(folder, `${network}.labels.bin`, batches.labels);
    for (const setting of SETTINGS) {
      const name = `${network}, ${setting.optimizer} ${setting.lr.toExponential()}, ${setting.preset}`;
      own.set(name, await train(model, batches, setting));
      cases.push({ name, network, weights, images, labels, steps: STEPS, ...setting });
    }
  }
  for (const line of runPython('train.py', folder, cases)) {
    const { name, losses } = line as { readonly name: string; readonly losses: readonly number[] };
    const differences = (own.get(name) ?? []).map((loss, step) => Math.abs(loss - losses[step]) / losses[step]);
    const worst = Math.max(...differences);
    const wrong = differences.flatMap((difference, step) =>
      difference <= LOSS_BOUND ? [] : [`step ${step}: ${own.get(name)?.[step]}, NNCF ${losses[step]}`],
    );
    results.check(`${STEPS} steps of training: ${name}`, differences.length === losses.length ? wrong : ['no losses']);
    results.note({
      what: `${STEPS} steps of quantization-aware training: ${name}`,
      bound: 'loss within 1% at every step',
      result: `${worst.toExponential(1)} at most; the loss went from ${losses[0].toFixed(3)} to ${losses[losses.length - 1].toFixed(3)}`,
    });
  }
}
