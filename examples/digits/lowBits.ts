/** One bit width: quantize, fine-tune, save and restore a checkpoint, write the IR and read it back. */
import { join } from 'node:path';
import {
  data,
  loadCheckpoint,
  type optim,
  type QuantizedModel,
  quantize,
  readModel,
  saveCheckpoint,
  saveModel,
  type Tensor,
} from 'quantgrad';
import type { DigitsDataset } from './dataset.js';
import { DigitsNet } from './network.js';
import { showCalibration } from './progress.js';
import { makeLoader, makeOptimizer, makeScheduler, type TrainingOptions, top1, trainModel } from './training.js';

/** Number of training images that the ranges are taken from. */
const CALIBRATION_IMAGES = 300;

export interface LowBitsOptions {
  readonly bits: number;
  readonly epochs: number;
  readonly lr: number;
  readonly seed: number;
  readonly out: string;
}

export interface LowBitsResult {
  /** Top-1 of each stage, from 0 to 1. */
  readonly quantized: number;
  readonly fineTuned: number;
  readonly restored: number;
  readonly ir: number;
  readonly checkpointPath: string;
  readonly irPath: string;
}

/** Quantizes a copy of `network`, which stays as it is. */
export async function runLowBits(
  network: DigitsNet,
  digits: { train: DigitsDataset; test: DigitsDataset },
  options: LowBitsOptions,
): Promise<LowBitsResult> {
  const { bits, out } = options;
  const { train, test } = digits;
  const quantizedModel = await calibrate(network, train, options);
  const quantized = await top1(quantizedModel, test);

  const trainingOptions: TrainingOptions = {
    title: `Fine-tuning, ${bits} bits`,
    epochs: options.epochs,
    lr: options.lr,
    seed: options.seed + 1,
  };
  const training = await trainModel(quantizedModel, train, trainingOptions);
  const fineTuned = await top1(quantizedModel, test);

  const checkpointPath = join(out, `int${bits}.safetensors`);
  await saveCheckpoint(checkpointPath, { model: quantizedModel, ...training });
  const restored = await restore(checkpointPath, train, trainingOptions);

  const irPath = join(out, `int${bits}.xml`);
  await saveModel(restored, irPath);
  return {
    quantized,
    fineTuned,
    restored: await top1(restored, test),
    ir: await top1(await readModel(irPath), test),
    checkpointPath,
    irPath,
  };
}

async function calibrate(
  network: DigitsNet,
  train: DigitsDataset,
  { bits, seed }: LowBitsOptions,
): Promise<QuantizedModel<DigitsNet>> {
  const loader = new data.DataLoader(train, { shuffle: true, seed });
  const progress = showCalibration(`Calibration, ${bits} bits`, CALIBRATION_IMAGES);
  const quantizedModel = await quantize(network, new data.CalibrationDataset(loader, ([image]: Tensor[]) => image), {
    bits,
    subsetSize: CALIBRATION_IMAGES,
    onProgress: (done) => progress.update(done),
  });
  progress.stop();
  return quantizedModel;
}

/** Everything of the training on a freshly built float network, as another process would do it. */
async function restore(
  path: string,
  train: DigitsDataset,
  options: TrainingOptions,
): Promise<QuantizedModel<DigitsNet>> {
  const { model } = await loadCheckpoint(path, {
    model: new DigitsNet(),
    loader: makeLoader(train, options),
    optimizer: (built) => makeOptimizer(built.model, options),
    scheduler: (built) => makeScheduler(built.optimizer as optim.Optimizer, train, options),
  });
  return model as QuantizedModel<DigitsNet>;
}
