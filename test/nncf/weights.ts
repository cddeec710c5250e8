/** Weights and data for the comparison: random, but such that every layer works in its usual range. */
import { noGrad } from '../../src/autograd/gradMode.js';
import { BatchNorm2d, Conv2d, ConvTranspose2d, LayerNorm, Linear, MultiheadAttention } from '../../src/nn/index.js';
import type { Module } from '../../src/nn/module.js';
import { fromValues, randn } from '../../src/tensor/create.js';
import type { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const STEPS = 2;
const BATCH = 16;

const drawn = (tensor: Tensor, next: () => number): Tensor =>
  fromValues(Float32Array.from({ length: tensor.size }, next), tensor.shape, 'float32');

/** Normalisations get scales around 1; biases and offsets keep away from zero, where bias correction would skip the
 * layer; running statistics fit the data. */
export function randomizeWeights(model: Module, shape: readonly number[], generator: Generator): void {
  const norms = model.modules().filter((module) => module instanceof BatchNorm2d || module instanceof LayerNorm);
  const scales = new Set(norms.flatMap(({ weight }) => weight ?? []));
  noGrad(() => {
    for (const scale of scales) scale.assign_(drawn(scale, () => 0.5 + generator.uniformDouble()));
    for (const [name, parameter] of model.namedParameters())
      if (/bias$/i.test(name))
        parameter.assign_(
          drawn(parameter, () => (generator.bernoulli(0.8) ? 1 : -1) * (0.2 + 0.4 * generator.uniformDouble())),
        );
    for (const module of model.modules()) {
      if (module instanceof Linear || module instanceof Conv2d) keepOffTies(module.weight, 0);
      if (module instanceof ConvTranspose2d) keepOffTies(module.weight, 1);
      if (module instanceof MultiheadAttention) keepOffTies(module.inProjWeight, 0);
    }
    for (const module of model.modules()) module.training = module instanceof BatchNorm2d;
    for (let step = 0; step < STEPS; step++) model.forward(calibrationItem([BATCH, ...shape.slice(1)], generator));
    for (const module of norms) if (module instanceof BatchNorm2d) completeStatistics(module);
  });
  model.eval();
}

/** Largest code of a weight. */
const LARGEST = 127;
/** Weights are kept this far from the middle between two codes, as a share of a step. */
const DISTANCE = 1e-3;

/** Both sides round weights midway between two codes in their own ways, which is told apart from what is compared. */
function keepOffTies(weight: Tensor, channelAxis: number): void {
  const values = weight.dataSync().slice();
  const channels = weight.shape[channelAxis];
  const inner = weight.shape.slice(channelAxis + 1).reduce((product, extent) => product * extent, 1);
  const channelOf = (index: number): number => Math.floor(index / inner) % channels;
  const largest = new Float64Array(channels);
  for (let index = 0; index < values.length; index++)
    largest[channelOf(index)] = Math.max(largest[channelOf(index)], Math.abs(values[index]));
  for (let index = 0; index < values.length; index++) {
    const step = largest[channelOf(index)] / LARGEST;
    const code = Math.abs(values[index]) / step;
    if (Math.abs(code - Math.floor(code) - 0.5) < DISTANCE)
      values[index] = Math.sign(values[index]) * (Math.floor(code) + 0.5 + 2 * DISTANCE) * step;
  }
  weight.assign_(fromValues(values, weight.shape, 'float32'));
}

/** Running statistics begin at mean 0 and variance 1; takes that beginning out of them again. */
function completeStatistics({ runningMean, runningVar, momentum }: BatchNorm2d): void {
  const left = (1 - momentum) ** STEPS;
  runningMean?.assign_(runningMean.div(1 - left));
  runningVar?.assign_(runningVar.sub(left).div(1 - left));
}

/** Normal values, the channels (axis 1) of images with different means and spreads. */
export function calibrationItem(shape: readonly number[], generator: Generator): Tensor {
  const values = randn(shape, { generator });
  const channels = [1, shape[1], ...shape.slice(2).map(() => 1)];
  const spread = Float32Array.from({ length: shape[1] }, (_, channel) => 0.6 + 0.3 * (channel % 3));
  return values.mul(fromValues(spread, channels, 'float32')).add(0.2);
}
