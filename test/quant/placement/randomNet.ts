/** Random networks on images [N, C, 6, 6]: layers in a row, branches, concats, residual additions, splits, several outputs. */
import fc from 'fast-check';
import * as nn from '../../../src/nn/index.js';
import * as F from '../../../src/ops/functional.js';
import { full } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

const OPERATIONS = [
  ...[
    'conv',
    'conv',
    'convBias',
    'depthwise',
    'grouped',
    'transposed',
    'batchNorm',
    'relu',
    'relu',
    'clamp',
    'sigmoid',
    'gelu',
  ],
  ...[
    'add',
    'add',
    'multiply',
    'maximum',
    'concat',
    'concat',
    'addConstant',
    'scale',
    'parameter',
    'maxPool',
    'avgPool',
    'mean',
  ],
  ...['transpose', 'reshape', 'split', 'dropout', 'identity', 'softmax', 'slice', 'pad'],
] as const;

type Operation = (typeof OPERATIONS)[number];

interface Step {
  readonly operation: Operation;
  /** Which earlier values it reads, counted from the end. */
  readonly first: number;
  readonly second: number;
}

interface Plan {
  readonly steps: readonly Step[];
  /** Values besides the last that the network returns, counted from the end. */
  readonly outputs: readonly number[];
}

/** A step with the values that it reads, counted from the input, which is 0. */
export interface ProgramStep {
  readonly operation: Operation;
  /** Channels of the first value. */
  readonly channels: number;
  readonly read: number;
  /** Null where nothing fits, or nothing is needed. */
  readonly other: number | null;
}

export interface Program {
  readonly steps: readonly ProgramStep[];
  /** Values besides the last that the network returns. */
  readonly outputs: readonly number[];
}

/** Mostly reads what is near, so that networks are deep as well as wide. */
const distance = fc.oneof({ weight: 4, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(8) });

const SIZE = 6;
/** Concats make channels many; beyond this, a convolution reduces them. */
const CHANNELS = 12;
type Layer = nn.Module & { forward(x: Tensor): Tensor };

/** A layer for a step, or null where it is a function. */
function layerOf(operation: Operation, channels: number): nn.Module | null {
  const wide = channels > CHANNELS ? 4 : channels;
  switch (operation) {
    case 'conv':
      return new nn.Conv2d(channels, 4, 3, { padding: 1, bias: false });
    case 'convBias':
      return new nn.Conv2d(channels, wide, 1);
    case 'depthwise':
      return new nn.Conv2d(channels, channels, 3, { padding: 1, groups: channels });
    case 'grouped':
      return channels % 2 === 0 ? new nn.Conv2d(channels, channels, 1, { groups: 2 }) : new nn.Conv2d(channels, 4, 1);
    case 'transposed':
      return new nn.ConvTranspose2d(channels, 4, 3, { padding: 1 });
    case 'batchNorm':
      return new nn.BatchNorm2d(channels);
    case 'relu':
      return new nn.ReLU();
    case 'clamp':
      return new nn.ReLU6();
    case 'sigmoid':
      return new nn.Sigmoid();
    case 'gelu':
      return new nn.GELU();
    case 'maxPool':
      return new nn.MaxPool2d(3, { stride: 1, padding: 1 });
    case 'avgPool':
      return new nn.AvgPool2d(3, { stride: 1, padding: 1 });
    case 'dropout':
      return new nn.Dropout(0.1);
    case 'identity':
      return new nn.Identity();
    default:
      return null;
  }
}

/** Channels of the values that a step adds. */
function channelsOf(operation: Operation, layer: nn.Module | null, first: number, second: number): number[] {
  if (layer instanceof nn.Conv2d || layer instanceof nn.ConvTranspose2d) return [layer.outChannels];
  if (operation === 'concat') return [first + second];
  if (operation === 'split') return first > 1 ? [1, first - 1] : [first];
  return [first];
}

/** Finds values that fit, for every step and for the outputs. */
function resolve({ steps, outputs }: Plan): Program {
  const channels = [4];
  const resolved = steps.map(({ operation, first, second }): ProgramStep => {
    const read = Math.max(0, channels.length - 1 - first);
    const count = channels[read];
    // Elementwise operations need equal channels; concat takes any, up to a limit.
    const fits = (other: number): boolean => (operation === 'concat' ? count + other <= 3 * CHANNELS : other === count);
    const candidates = channels.flatMap((other, index) => (fits(other) ? [index] : []));
    const other = candidates[Math.max(0, candidates.length - 1 - second)] ?? null;
    channels.push(...channelsOf(operation, layerOf(operation, count), count, other === null ? 0 : channels[other]));
    return { operation, channels: count, read, other };
  });
  return { steps: resolved, outputs: outputs.map((back) => Math.max(0, channels.length - 1 - back)) };
}

/** Programs of up to `size` steps. */
export const programArbitrary = (size: number): fc.Arbitrary<Program> =>
  fc
    .record({
      steps: fc.array(fc.record({ operation: fc.constantFrom(...OPERATIONS), first: distance, second: distance }), {
        minLength: 1,
        maxLength: size,
      }),
      outputs: fc.array(fc.nat(6), { maxLength: 1 }),
    })
    .map(resolve);

export class RandomNet extends nn.Module {
  readonly layers: nn.Module[] = [];
  readonly factor = new nn.Parameter(full([1, 1, 1, 1], 1.5));
  readonly #calls: ((values: readonly Tensor[]) => Tensor[])[];
  readonly #outputs: readonly number[];

  constructor({ steps, outputs }: Program) {
    super();
    this.#calls = steps.map(({ operation, channels, read, other }) => {
      const layer = layerOf(operation, channels) as Layer | null;
      if (layer) this.layers.push(layer);
      return (values) => this.#apply(operation, layer, values[read], other === null ? null : values[other]);
    });
    this.#outputs = outputs;
  }

  #apply(operation: Operation, layer: Layer | null, x: Tensor, y: Tensor | null): Tensor[] {
    if (layer) return [layer.forward(x) as Tensor];
    const second = y ?? x;
    switch (operation) {
      case 'add':
        return [F.add(x, second)];
      case 'multiply':
        return [F.multiply(x, second)];
      case 'maximum':
        return [F.maximum(x, second)];
      case 'concat':
        return y ? [F.concat([x, y], 1)] : [x];
      case 'addConstant':
        return [F.add(x, 0.5)];
      case 'scale':
        return [F.multiply(x, 0.75)];
      case 'parameter':
        return [F.multiply(x, this.factor)];
      case 'mean':
        return [F.add(x, F.mean(x, [2, 3], true))];
      case 'transpose':
        return [F.permute(x, [0, 1, 3, 2])];
      case 'reshape':
        return [F.reshape(F.reshape(x, [-1, x.shape[1], SIZE * SIZE]), [-1, x.shape[1], SIZE, SIZE])];
      case 'split':
        return x.shape[1] > 1 ? F.split(x, [1, x.shape[1] - 1], 1) : [x];
      case 'softmax':
        return [F.softmax(x, 1)];
      case 'slice':
        return [F.pad(F.slice(x, 1, SIZE, 1, 2), [0, 0, 1, 0], [0, 0, 0, 0])];
      case 'pad':
        return [F.slice(F.pad(x, [0, 0, 1, 1], [0, 0, 1, 1]), [1, 1], [SIZE + 1, SIZE + 1], [1, 1], [2, 3])];
      default:
        throw new Error(`There is no operation '${operation}'.`);
    }
  }

  override forward(x: Tensor): Tensor[] {
    const values = [x];
    for (const call of this.#calls) values.push(...call(values));
    return [values[values.length - 1], ...this.#outputs.map((index) => values[index])];
  }
}
