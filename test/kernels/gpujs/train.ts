/**
 * Quantization-aware training of a small network, from the same start on any backend. Everything
 * that has no GPU.js kernel takes the reference one, so this also shows that the two mix.
 */
import { backward } from '../../../src/autograd/index.js';
import type { Backend } from '../../../src/kernels/contract.js';
import { Parameter } from '../../../src/nn/parameter.js';
import { relu } from '../../../src/ops/elementwise/relu.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import { flatten } from '../../../src/ops/movement/reshape.js';
import { conv2d } from '../../../src/ops/neural/conv2d.js';
import { linear } from '../../../src/ops/neural/linear.js';
import { symmetricFakeQuantize } from '../../../src/ops/quantization/symmetricFakeQuantize.js';
import { SGD } from '../../../src/optim/sgd.js';
import { tensor } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { createRandom, uniform } from '../conformance/kernelCase.js';

export const STEPS = 30;
const WEIGHT_CODES = { levelLow: -127, levelHigh: 127 };
const ACTIVATION_CODES = { levelLow: 0, levelHigh: 255 };

/** Trains on a backend and gives the loss of every step. */
export async function train(backend: Backend): Promise<number[]> {
  const random = createRandom(5);
  const draw = (shape: readonly number[], low: number, high: number): Tensor =>
    tensor(uniform(random, shape, low, high).values, { shape, backend });
  const filter = new Parameter(draw([4, 1, 3, 3], -0.5, 0.5));
  const filterScale = new Parameter(draw([4, 1, 1, 1], 0.4, 0.5));
  const bias = new Parameter(draw([4], -0.1, 0.1));
  const activationScale = new Parameter(draw([1], 1, 1.5));
  const weights = new Parameter(draw([3, 64], -0.2, 0.2));
  const x = draw([12, 1, 8, 8], -1, 1);
  const labels = tensor(
    Int32Array.from({ length: 12 }, (_, index) => index % 3),
    { shape: [12], backend },
  );
  const optimizer = new SGD([filter, filterScale, bias, activationScale, weights], {
    lr: 0.1,
    momentum: 0.9,
    nesterov: true,
  });

  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const quantizedFilter = symmetricFakeQuantize(filter, filterScale, WEIGHT_CODES);
    const features = relu(conv2d(x, quantizedFilter, bias, { stride: 2, padding: 1 }));
    const quantized = symmetricFakeQuantize(features, activationScale, ACTIVATION_CODES);
    const loss = crossEntropy(linear(flatten(quantized, 1), weights), labels);
    optimizer.zeroGrad();
    backward(loss);
    optimizer.step();
    losses.push(await loss.item());
  }
  return losses;
}
