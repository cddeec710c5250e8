/**
 * Fine-tuning of the trained networks of ../shared/models, quantized, against the figures that NNCF reached with the same
 * weights, images and batches (NAME.nncf.json there). Without that folder it is skipped.
 */
import { crossEntropy } from '../../src/ops/loss/crossEntropy.js';
import { Adam } from '../../src/optim/index.js';
import { quantize } from '../../src/quant/index.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { type Images, imageBatch, labelBatch } from './cifar.js';
import type { Results } from './results.js';
import {
  ACCURACY_BOUND,
  accuracy,
  calibrationImages,
  compareAccuracy,
  EPOCHS,
  figuresOf,
  loadTrained,
  TRAINED,
  trainedImages,
} from './trainedNetworks.js';

const BATCH = 64;
/** Steps after which progress is printed. */
const PROGRESS = 20;

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
  let steps = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (let start = 0; start + BATCH <= images.count; start += BATCH) {
      const from = epoch * images.count + start;
      const indices = order.subarray(from, from + BATCH);
      optimizer.zeroGrad();
      const output = model.forward(imageBatch(images, indices, size)) as Tensor;
      const loss = crossEntropy(output, labelBatch(images, indices));
      loss.backward();
      optimizer.step();
      const [value] = await loss.data();
      if (losses.length < kept) losses.push(value);
      if (++steps % PROGRESS === 0) console.log(`Step ${steps}: loss ${value.toFixed(4)}`);
    }
  }
  return losses;
}

export async function compareFineTuning(name: string, folder: string, results: Results): Promise<void> {
  const images = trainedImages(folder, results);
  if (!images) return;
  const trained = TRAINED[name];
  const { size, lossBound } = trained;
  const { train, test, order } = images;
  const { qat_first_losses: expected, qat_top1: reference } = figuresOf(name);
  const quantized = await quantize(loadTrained(name, trained), calibrationImages(train, trained));
  const losses = await fineTune(quantized, train, order, size, expected.length);
  const off = losses.map((loss, step) => Math.abs(loss - expected[step]) / expected[step]);
  results.check(
    `${name}: first losses of fine-tuning`,
    off.flatMap((share, step) => (share <= lossBound ? [] : [`step ${step}: ${losses[step]}, NNCF ${expected[step]}`])),
  );
  results.note({
    what: `First ${losses.length} losses of fine-tuning ${name}`,
    bound: `${100 * lossBound}% at every step`,
    result: `${(100 * Math.max(...off)).toFixed(2)}% at most`,
  });
  const tuned = await accuracy(quantized, test, size);
  compareAccuracy(results, `Accuracy of ${name} after fine-tuning, against NNCF`, tuned, reference, ACCURACY_BOUND);
}
