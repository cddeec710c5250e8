/** Training and evaluation: the same ordinary loop for a float and for a quantized model. */
import { data, functional as F, type nn, noGrad, optim, type Tensor } from 'quantgrad';
import type { DigitsDataset } from './dataset.js';
import { showTraining } from './progress.js';

const BATCH_SIZE = 64;
const TEST_BATCH_SIZE = 128;

export type Classifier = nn.Module & { forward(image: Tensor): unknown };

export interface TrainingOptions {
  /** Shown beside the progress bar. */
  title: string;
  epochs: number;
  /** Learning rate of the first step; it falls to 0 along a cosine. */
  lr: number;
  /** Of the order of the batches. */
  seed: number;
}

/** What a training consists of besides its model; all of it belongs into a checkpoint. */
export interface Training {
  readonly optimizer: optim.Adam;
  readonly scheduler: optim.CosineAnnealingLR;
  readonly loader: data.DataLoader<[Tensor, Tensor]>;
}

export const logits = (model: Classifier, images: Tensor): Tensor => model.forward(images) as Tensor;

export const makeLoader = (train: DigitsDataset, { seed }: TrainingOptions): Training['loader'] =>
  new data.DataLoader(train, { batchSize: BATCH_SIZE, shuffle: true, seed });

export const makeOptimizer = (model: Classifier, { lr }: TrainingOptions): optim.Adam =>
  new optim.Adam(model.parameters(), { lr });

/** A step for each batch. */
export const makeScheduler = (
  optimizer: optim.Optimizer,
  train: DigitsDataset,
  { epochs }: TrainingOptions,
): optim.CosineAnnealingLR =>
  new optim.CosineAnnealingLR(optimizer, { tMax: epochs * Math.ceil(train.length / BATCH_SIZE) });

/** Trains the model in place. */
export async function trainModel(model: Classifier, train: DigitsDataset, options: TrainingOptions): Promise<Training> {
  const loader = makeLoader(train, options);
  const optimizer = makeOptimizer(model, options);
  const scheduler = makeScheduler(optimizer, train, options);
  const progress = showTraining(options.title, options.epochs, train.length);
  model.train();
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    for await (const [images, labels] of loader) {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(logits(model, images), labels);
      loss.backward();
      optimizer.step();
      scheduler.step();
      progress.advance(images.shape[0], await loss.item());
    }
    progress.endEpoch(epoch);
  }
  progress.stop();
  return { optimizer, scheduler, loader };
}

/** Top-1 accuracy on a dataset, from 0 to 1. Leaves the model in evaluation mode. */
export async function top1(model: Classifier, dataset: DigitsDataset): Promise<number> {
  model.eval();
  let correct = 0;
  for await (const [images, labels] of new data.DataLoader(dataset, { batchSize: TEST_BATCH_SIZE })) {
    const scores = await noGrad(() => logits(model, images)).data();
    const expected = await labels.data();
    const classes = scores.length / expected.length;
    expected.forEach((label, row) => {
      const own = scores.subarray(row * classes, (row + 1) * classes);
      if (own.indexOf(Math.max(...own)) === label) correct++;
    });
  }
  return correct / dataset.length;
}
