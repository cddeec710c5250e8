/**
 * Initial values of parameters, as PyTorch's `torch.nn.init`: the same distributions and bounds, though
 * not the same random numbers. Every function changes its tensor in place, without a gradient, and
 * returns it.
 */
import { DTypeError, ShapeError, ValidationError } from '../errors.js';
import { allocateArray } from '../kernels/dtype.js';
import { checkOptions } from '../options.js';
import { defaultGenerator, type Generator } from '../tensor/random.js';
import { formatShape, sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { orthonormalVectors } from './orthonormal.js';

export interface RandomInitOptions {
  /** Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

export interface GainOptions extends RandomInitOptions {
  /** Scale of the values. Default: 1. */
  gain?: number;
}

export interface TruncatedNormalOptions extends RandomInitOptions {
  /** Default: 0. */
  mean?: number;
  /** Standard deviation before the cut. Default: 1. */
  std?: number;
  /** Smallest value. Default: -2. */
  low?: number;
  /** Largest value. Default: 2. */
  high?: number;
}

/** `fanIn` keeps the variance of the forward pass, `fanOut` that of the backward pass. */
export type FanMode = 'fanIn' | 'fanOut';

export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'convTranspose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'selu';

export interface KaimingOptions extends RandomInitOptions {
  /** Negative slope of the leaky ReLU that follows. Default: 0. */
  a?: number;
  /** Default: fanIn. */
  mode?: FanMode;
  /** What follows the layer. Default: leakyRelu. */
  nonlinearity?: Nonlinearity;
}

/** A floating-point tensor's values replaced by what `write` puts into an array of zeros. */
function fill(where: string, tensor: Tensor, write: (values: Float32Array | Float64Array) => void): Tensor {
  const values = allocateArray(tensor.dtype, sizeOf(tensor.shape));
  if (!(values instanceof Float32Array || values instanceof Float64Array)) {
    throw new DTypeError('FLOAT_NEEDED', `${where} fills floating-point tensors, but this one is ${tensor.dtype}.`, {
      dtype: tensor.dtype,
    });
  }
  write(values);
  return tensor.replaceStorage(tensor.backend.upload(values, tensor.dtype));
}

/** Values between `low` (default 0) and `high` (default 1), each equally likely. */
export function uniform_(tensor: Tensor, low = 0, high = 1, options: RandomInitOptions = {}): Tensor {
  checkOptions('uniform_', options, ['generator']);
  return fill('uniform_', tensor, (values) => (options.generator ?? defaultGenerator()).fillUniform(values, low, high));
}

/** Values of a normal distribution of mean `mean` (default 0) and standard deviation `std` (default 1). */
export function normal_(tensor: Tensor, mean = 0, std = 1, options: RandomInitOptions = {}): Tensor {
  checkOptions('normal_', options, ['generator']);
  return fill('normal_', tensor, (values) => (options.generator ?? defaultGenerator()).fillNormal(values, mean, std));
}

/**
 * Values of a normal distribution, drawn again while they are outside of [low, high].
 * @throws ValidationError `BAD_RANGE` if [low, high] holds too little of the distribution: it must be wider
 *   than a tenth of the standard deviation and come within two of the mean.
 */
export function truncNormal_(tensor: Tensor, options: TruncatedNormalOptions = {}): Tensor {
  checkOptions('truncNormal_', options, ['mean', 'std', 'low', 'high', 'generator']);
  const { mean = 0, std = 1, low = -2, high = 2, generator = defaultGenerator() } = options;
  if (!(std > 0 && high - low > std / 10 && mean > low - 2 * std && mean < high + 2 * std)) {
    throw new ValidationError(
      'BAD_RANGE',
      `truncNormal_: the range [${low}, ${high}] holds next to nothing of the normal distribution with mean ${mean} and ` +
        `standard deviation ${std}. Make the range wider than std / 10 and let it come within 2 std of the mean.`,
      { mean, std, low, high },
    );
  }
  return fill('truncNormal_', tensor, (values) => {
    for (let index = 0; index < values.length; index++) {
      do values[index] = mean + std * generator.normal();
      while (values[index] < low || values[index] > high);
    }
  });
}

export function constant_(tensor: Tensor, value: number): Tensor {
  return fill('constant_', tensor, (values) => values.fill(value));
}

export const zeros_ = (tensor: Tensor): Tensor => constant_(tensor, 0);
export const ones_ = (tensor: Tensor): Tensor => constant_(tensor, 1);

const GAINS: Readonly<Record<Exclude<Nonlinearity, 'leakyRelu'>, number>> = {
  linear: 1,
  conv1d: 1,
  conv2d: 1,
  conv3d: 1,
  convTranspose1d: 1,
  convTranspose2d: 1,
  convTranspose3d: 1,
  sigmoid: 1,
  tanh: 5 / 3,
  relu: Math.SQRT2,
  selu: 3 / 4,
};

/**
 * How much a layer must amplify so that the variance survives the nonlinearity after it.
 * @param negativeSlope Of leakyRelu. Default: 0.01.
 */
export function calculateGain(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  if (nonlinearity === 'leakyRelu') return Math.sqrt(2 / (1 + negativeSlope ** 2));
  if (!Object.hasOwn(GAINS, nonlinearity)) {
    throw new ValidationError(
      'UNKNOWN_NONLINEARITY',
      `There is no gain for '${String(nonlinearity)}'; known are ${[...Object.keys(GAINS), 'leakyRelu'].join(', ')}.`,
    );
  }
  return GAINS[nonlinearity];
}

/**
 * Number of inputs that each output sums over, and of outputs that each input goes to, for weights
 * [outputs, inputs, ...kernel].
 * @throws ShapeError for less than two axes.
 */
export function calculateFanInAndFanOut(tensor: Tensor): { fanIn: number; fanOut: number } {
  if (tensor.rank < 2) {
    throw new ShapeError(
      'FAN_RANK',
      `A tensor of shape ${formatShape(tensor.shape)} has no fan-in and fan-out: they need at least two axes, [outputs, inputs, ...kernel].`,
      { shape: tensor.shape },
    );
  }
  const [outputs, inputs, ...kernel] = tensor.shape;
  const receptiveField = sizeOf(kernel);
  return { fanIn: inputs * receptiveField, fanOut: outputs * receptiveField };
}

/** Standard deviation by Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks". */
function xavierDeviation(tensor: Tensor, gain: number): number {
  const { fanIn, fanOut } = calculateFanInAndFanOut(tensor);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

/** Uniform in [-b, b), b = gain * sqrt(6 / (fanIn + fanOut)). */
export function xavierUniform_(tensor: Tensor, options: GainOptions = {}): Tensor {
  checkOptions('xavierUniform_', options, ['gain', 'generator']);
  const bound = Math.sqrt(3) * xavierDeviation(tensor, options.gain ?? 1);
  return uniform_(tensor, -bound, bound, { generator: options.generator });
}

/** Normal with standard deviation gain * sqrt(2 / (fanIn + fanOut)). */
export function xavierNormal_(tensor: Tensor, options: GainOptions = {}): Tensor {
  checkOptions('xavierNormal_', options, ['gain', 'generator']);
  return normal_(tensor, 0, xavierDeviation(tensor, options.gain ?? 1), { generator: options.generator });
}

/** Standard deviation by He et al. (2015), "Delving deep into rectifiers", https://arxiv.org/abs/1502.01852. */
function kaimingDeviation(where: string, tensor: Tensor, options: KaimingOptions): number {
  checkOptions(where, options, ['a', 'mode', 'nonlinearity', 'generator']);
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' } = options;
  if (mode !== 'fanIn' && mode !== 'fanOut') {
    throw new ValidationError('UNKNOWN_FAN_MODE', `${where}: mode is 'fanIn' or 'fanOut', not '${String(mode)}'.`);
  }
  return calculateGain(nonlinearity, a) / Math.sqrt(calculateFanInAndFanOut(tensor)[mode]);
}

/** Uniform in [-b, b), b = gain * sqrt(3 / fan), with the gain of the nonlinearity. */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingDeviation('kaimingUniform_', tensor, options);
  return uniform_(tensor, -bound, bound, { generator: options.generator });
}

/** Normal with standard deviation gain / sqrt(fan), with the gain of the nonlinearity. */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  return normal_(tensor, 0, kaimingDeviation('kaimingNormal_', tensor, options), { generator: options.generator });
}

/**
 * A random (semi-)orthogonal matrix [rows, all other axes], times `gain`: its rows or its columns,
 * whichever are fewer, are orthonormal. Every such matrix is equally likely.
 */
export function orthogonal_(tensor: Tensor, options: GainOptions = {}): Tensor {
  checkOptions('orthogonal_', options, ['gain', 'generator']);
  const { gain = 1, generator = defaultGenerator() } = options;
  if (tensor.rank < 2) {
    throw new ShapeError(
      'FAN_RANK',
      `orthogonal_ needs at least two axes, but the shape is ${formatShape(tensor.shape)}.`,
    );
  }
  const rows = tensor.shape[0];
  const columns = sizeOf(tensor.shape.slice(1));
  const long = Math.max(rows, columns);
  const short = Math.min(rows, columns);
  return fill('orthogonal_', tensor, (values) => {
    const vectors = orthonormalVectors(long, short, generator);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        values[row * columns + column] = gain * (rows < columns ? vectors[row][column] : vectors[column][row]);
      }
    }
  });
}
