/** Weights and data for the comparison: random, but such that every layer works in its usual range. */
import { noGrad } from '../../src/autograd/gradMode.js';
import { BatchNorm2d, LayerNorm } from '../../src/nn/index.js';
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
    for (const module of model.modules()) module.training = module instanceof BatchNorm2d;
    for (let step = 0; step < STEPS; step++) model.forward(calibrationItem([BATCH, ...shape.slice(1)], generator));
    for (const module of norms) if (module instanceof BatchNorm2d) completeStatistics(module);
  });
  model.eval();
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
