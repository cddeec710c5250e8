/** What random networks are made of: each block takes a symbolic image and gives another one. */
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { multiply } from '../../../src/ops/elementwise/multiply.js';
import { concat } from '../../../src/ops/movement/concat.js';
import { chunk } from '../../../src/ops/movement/split.js';
import type { Generator } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

export type Block = (x: Tensor, generator: Generator) => Tensor;

export const pick = <T>(generator: Generator, choices: readonly T[]): T =>
  choices[generator.integer(0, choices.length)];

const ACTIVATIONS: readonly ((channels: number) => nn.Module)[] = [
  () => new nn.ReLU(),
  () => new nn.ReLU6(),
  () => new nn.Sigmoid(),
  () => new nn.Tanh(),
  () => new nn.SiLU(),
  () => new nn.Mish(),
  () => new nn.Softplus(),
  () => new nn.Hardswish(),
  () => new nn.Hardsigmoid(),
  () => new nn.Hardtanh(-2, 2),
  () => new nn.LeakyReLU(0.1),
  (channels) => new nn.PReLU(channels),
  () => new nn.PReLU(),
  () => new nn.ELU(),
  () => new nn.GELU(),
  () => new nn.GELU('tanh'),
];

const through = (layer: nn.Module, x: Tensor): Tensor => layer.apply(x) as Tensor;

/** Batch normalisation and an activation, each perhaps; ReLU is as frequent as all others together. */
export function finish(x: Tensor, generator: Generator): Tensor {
  const channels = x.shape[1];
  const normalization = x.rank === 4 ? new nn.BatchNorm2d(channels) : new nn.BatchNorm1d(channels);
  const normalized = generator.bernoulli(0.6) ? through(normalization, x) : x;
  if (generator.bernoulli(0.15)) return normalized;
  const activation = generator.bernoulli(0.5) ? new nn.ReLU() : pick(generator, ACTIVATIONS)(channels);
  return through(activation, normalized);
}

/** A convolution that keeps the size. */
const sameSize = (x: Tensor, outChannels: number, generator: Generator): Tensor => {
  const size = pick(generator, [1, 3, 3, 5]);
  const options = { padding: (size - 1) / 2, bias: generator.bernoulli(0.5) };
  return through(new nn.Conv2d(x.shape[1], outChannels, size, options), x);
};

const convolution: Block = (x, generator) => {
  const [, channels, height, width] = x.shape;
  const fits = (size: number) => size <= Math.min(height, width);
  const kernel = [pick(generator, [1, 2, 3, 5].filter(fits)), pick(generator, [1, 3].filter(fits))];
  const groups = pick(generator, [1, 1, 1, channels, channels % 2 === 0 ? 2 : 1]);
  const outChannels = groups * generator.integer(1, Math.max(2, Math.floor(12 / groups)) + 1);
  const dilation = generator.bernoulli(0.15) && kernel.every((size) => 2 * size - 1 <= Math.min(height, width)) ? 2 : 1;
  const stride = height > 5 && width > 5 ? pick(generator, [1, 1, 2, [2, 1]]) : 1;
  const padding = pick(generator, [0, 1, 'same' as const, [1, 0, 0, 1], [0, 1]]);
  const layer = new nn.Conv2d(channels, outChannels, kernel, {
    stride,
    padding,
    dilation,
    groups,
    bias: generator.bernoulli(0.5),
  });
  return finish(through(layer, x), generator);
};

const depthwiseSeparable: Block = (x, generator) => {
  const channels = x.shape[1];
  const depthwise = through(new nn.Conv2d(channels, channels, 3, { padding: 1, groups: channels, bias: false }), x);
  const inner = through(new nn.ReLU6(), through(new nn.BatchNorm2d(channels), depthwise));
  return finish(through(new nn.Conv2d(channels, generator.integer(2, 13), 1), inner), generator);
};

const residual: Block = (x, generator) => {
  const inner = finish(sameSize(x, x.shape[1], generator), generator);
  const sum = add(sameSize(inner, x.shape[1], generator), x);
  return generator.bernoulli(0.7) ? through(new nn.ReLU(), sum) : sum;
};

const branches: Block = (x, generator) => {
  const parts = Array.from({ length: generator.integer(2, 4) }, () =>
    finish(sameSize(x, generator.integer(1, 7), generator), generator),
  );
  return concat(generator.bernoulli(0.3) ? [...parts, x] : parts, 1);
};

const pool: Block = (x, generator) => {
  const [, , height, width] = x.shape;
  if (Math.min(height, width) < 4) return x;
  const kernel = pick(generator, [2, 3, [2, 3]]);
  const options = {
    stride: pick(generator, [1, 2]),
    padding: pick(generator, [0, 0, 1]),
    ceilMode: generator.bernoulli(0.5),
  };
  if (generator.bernoulli(0.5)) return through(new nn.MaxPool2d(kernel, options), x);
  return through(new nn.AvgPool2d(kernel, { ...options, countIncludePad: generator.bernoulli(0.5) }), x);
};

/**
 * OpenVINO runs a transposed convolution in INT8 only without groups and on values without zero point, so what goes in
 * is not negative.
 */
const transposedConvolution: Block = (x, generator) => {
  const channels = generator.integer(2, 13);
  const input = through(new nn.ReLU(), sameSize(x, channels, generator));
  const stride = pick(generator, [1, 2]);
  const padding = pick(generator, [0, 1]);
  const options = { stride, padding, outputPadding: stride - 1, bias: generator.bernoulli(0.5) };
  const layer = new nn.ConvTranspose2d(channels, generator.integer(1, 7), pick(generator, [3, 4]), options);
  return finish(through(layer, input), generator);
};

const upsample: Block = (x, generator) => {
  if (x.shape[2] > 10 || x.shape[3] > 10) return x;
  const mode = pick(generator, ['nearest' as const, 'bilinear' as const]);
  const resized = through(new nn.Upsample({ scaleFactor: 2, mode }), x);
  return finish(sameSize(resized, generator.integer(2, 9), generator), generator);
};

const squeezeExcite: Block = (x, generator) => {
  const channels = x.shape[1];
  const pooled = through(new nn.AdaptiveAvgPool2d(1), x);
  const squeezed = through(new nn.ReLU(), through(new nn.Conv2d(channels, generator.integer(1, 5), 1), pooled));
  const gate = through(new nn.Sigmoid(), through(new nn.Conv2d(squeezed.shape[1], channels, 1), squeezed));
  return multiply(x, gate);
};

const splitAndJoin: Block = (x, generator) => {
  if (x.shape[1] % 2 !== 0) return x;
  const [left, right] = chunk(x, 2, 1);
  return concat([finish(sameSize(left, generator.integer(1, 6), generator), generator), right], 1);
};

const normalization: Block = (x) => through(new nn.BatchNorm2d(x.shape[1]), x);

const dropout: Block = (x) => through(new nn.Dropout(0.3), x);

/** Blocks and how often they are drawn. */
const BLOCKS: readonly (readonly [Block, number])[] = [
  [convolution, 6],
  [depthwiseSeparable, 2],
  [residual, 3],
  [branches, 2],
  [pool, 3],
  [transposedConvolution, 1],
  [upsample, 1],
  [squeezeExcite, 1],
  [splitAndJoin, 1],
  [normalization, 1],
  [dropout, 1],
];

const WEIGHTED = BLOCKS.flatMap(([block, weight]) => new Array<Block>(weight).fill(block));

export const randomBlock: Block = (x, generator) => pick(generator, WEIGHTED)(x, generator);

/** Something with weights, so that every network has it. */
export const firstBlock = convolution;
