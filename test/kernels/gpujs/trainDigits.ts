/**
 * The demo's network, trained as the demo trains it on whatever backend is the default: 50 steps in float, then quantized,
 * then trained on quantized. Batches are as large as the demo's: with smaller ones a ReLU or a maximum that goes the other way
 * because of a last bit changes the course of the training. Reads no file, so that pages can run it too.
 */
import { functional as F, manualSeed, type nn, optim, quantize, type Tensor, tensor } from 'quantgrad';
import { DigitsNet } from '../../../examples/digits/network.js';
import { SIDE, splitDigits } from '../../../examples/digits/parse.js';

export const STEPS = 50;
/** Fewer, because what rounds to another quantum once, trains on from there. */
export const QUANTIZED_STEPS = 15;
const BATCH_SIZE = 64;
const FLOAT_LR = 3e-3;
const QUANTIZED_LR = 1e-4;
const CALIBRATION_BATCHES = 4;

/** The losses of every step. */
export interface DigitsLosses {
  readonly float: number[];
  readonly quantized: number[];
}

type Batch = readonly [images: Tensor, labels: Tensor];

/** The same batches everywhere, on the default backend. */
export function digitsBatches(csv: string, count = STEPS): Batch[] {
  const { train } = splitDigits(csv, 'digits.csv');
  return Array.from({ length: count }, (_, step) => {
    const digits = Array.from({ length: BATCH_SIZE }, (_, row) => train[(step * BATCH_SIZE + row) % train.length]);
    const images = Float32Array.from(digits.flatMap(({ pixels }) => pixels));
    const labels = Int32Array.from(digits, ({ label }) => label);
    return [tensor(images, { shape: [BATCH_SIZE, 1, SIDE, SIDE] }), tensor(labels)] as const;
  });
}

/** One step on each batch; gives the losses before them. */
export async function trainOn(
  model: nn.Module & { forward(images: Tensor): unknown },
  optimizer: optim.Optimizer,
  batches: readonly Batch[],
): Promise<number[]> {
  const losses: number[] = [];
  model.train();
  for (const [images, labels] of batches) {
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model.forward(images) as Tensor, labels);
    loss.backward();
    optimizer.step();
    losses.push(await loss.item());
  }
  return losses;
}

export async function trainDigits(csv: string, steps = STEPS, quantizedSteps = QUANTIZED_STEPS): Promise<DigitsLosses> {
  manualSeed(0);
  const network = new DigitsNet();
  const batches = digitsBatches(csv, steps);
  const float = await trainOn(network, new optim.Adam(network.parameters(), { lr: FLOAT_LR }), batches);
  const calibration = batches.slice(0, CALIBRATION_BATCHES).map(([images]) => images);
  const model = await quantize(network, calibration);
  const quantized = await trainOn(
    model,
    new optim.Adam(model.parameters(), { lr: QUANTIZED_LR }),
    batches.slice(0, quantizedSteps),
  );
  return { float, quantized };
}
