/** What the networks say: probabilities of an image, and accuracy on many. Training mode and the tape are left as they were. */
import { functional as F, type nn, noGrad, type QuantizedModel, type Tensor, tensor } from 'quantgrad';
import type { DigitsNet } from '../../examples/digits/network.js';
import { type DigitsDataset, SIDE } from '../../examples/digits/parse.js';

export type Network = DigitsNet | QuantizedModel<DigitsNet>;

/** What `body` computes in evaluation mode, without gradients. */
export function inEvaluation<T>(network: nn.Module, body: () => T): T {
  const { training } = network;
  network.eval();
  try {
    return noGrad(body);
  } finally {
    network.train(training);
  }
}

const argmax = (values: ArrayLike<number>, from: number, to: number): number => {
  let best = from;
  for (let index = from + 1; index < to; index++) if (values[index] > values[best]) best = index;
  return best - from;
};

/** Top-1 accuracy, from 0 to 1. */
export async function accuracyOf(network: Network, { tensors: [images, labels] }: DigitsDataset): Promise<number> {
  const scores = await inEvaluation(network, () => network.forward(images)).data();
  const expected = await labels.data();
  const classes = scores.length / expected.length;
  let correct = 0;
  for (let row = 0; row < expected.length; row++) {
    if (argmax(scores, row * classes, (row + 1) * classes) === expected[row]) correct++;
  }
  return correct / expected.length;
}

/** The image of a digit, [1, 1, 8, 8]. @param pixels 64 values from 0 to 1. */
export const imageOf = (pixels: readonly number[]): Tensor =>
  tensor(Float32Array.from(pixels), { shape: [1, 1, SIDE, SIDE] });

/** Probabilities of the ten digits. */
export async function probabilitiesOf(network: Network, image: Tensor): Promise<number[]> {
  return Array.from(await inEvaluation(network, () => F.softmax(network.forward(image), -1)).data());
}
