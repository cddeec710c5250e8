/** What is quantized by both sides: a float model with calibration items, and the ways to quantize it. */
import { noGrad } from '../../src/autograd/gradMode.js';
import { Conv2d, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.js';
import type { Module } from '../../src/nn/module.js';
import { fromValues, full } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { NETWORKS, type Network, type Variant } from './networks.js';
import { calibrationItem, randomizeWeights } from './weights.js';

export interface Subject {
  readonly name: string;
  readonly shape: readonly number[];
  readonly variants: readonly Variant[];
  readonly totals?: Network['totals'];
  /** Whether the file is also run by OpenVINO, to see what it computes in INT8. */
  readonly runs: boolean;
  /** Whether ranges of channels are compared with float64 too. */
  readonly inFloat64: boolean;
  make(): { readonly model: Module; readonly items: readonly Tensor[] };
}

const ITEMS = 32;

export const networkSubject = (name: string): Subject => {
  const { make, shape, variants, totals, inFloat64 = false } = NETWORKS[name];
  return {
    ...{ name, shape, variants, totals, inFloat64, runs: true },
    make: () => {
      manualSeed(1);
      const generator = new Generator(7);
      const model = make();
      randomizeWeights(model, shape, generator);
      return { model, items: Array.from({ length: ITEMS }, () => calibrationItem(shape, generator)) };
    },
  };
};

const EDGE_SHAPE = [1, 3, 6, 6];

/** A 1x1, a depthwise and a linear layer, of which the first can have a channel that always gives zero. */
function smallNetwork(generator: Generator, dead: boolean): Module {
  const first = new Conv2d(3, 4, 1);
  const model = new Sequential(
    first,
    new ReLU(),
    new Conv2d(4, 4, 3, { padding: 1, groups: 4 }),
    new ReLU(),
    new Flatten(),
    new Linear(4 * 36, 5),
  );
  randomizeWeights(model, EDGE_SHAPE, generator);
  if (dead && first.bias) {
    const weights = first.weight.dataSync().slice().fill(0, 0, 3);
    const biases = first.bias.dataSync().slice().fill(0, 0, 1);
    noGrad(() => {
      first.weight.assign_(fromValues(weights, first.weight.shape, 'float32'));
      first.bias?.assign_(fromValues(biases, [4], 'float32'));
    });
  }
  return model.eval();
}

function edgeSubject(name: string, item: (generator: Generator, index: number) => Tensor, dead = false): Subject {
  return {
    ...{
      name: `edge values: ${name}`,
      shape: EDGE_SHAPE,
      variants: ['performance', 'mixed'],
      runs: false,
      inFloat64: false,
    },
    make: () => {
      manualSeed(2);
      const generator = new Generator(9);
      const model = smallNetwork(generator, dead);
      return { model, items: Array.from({ length: ITEMS }, (_, index) => item(generator, index)) };
    },
  };
}

const scaled = (factor: number) => (generator: Generator) => calibrationItem(EDGE_SHAPE, generator).mul(factor);

/** A model of one weight. */
const oneElement: Subject = {
  ...{
    name: 'edge values: one element',
    shape: [1, 1],
    variants: ['performance', 'mixed'],
    runs: false,
    inFloat64: false,
  },
  make: () => {
    manualSeed(3);
    const generator = new Generator(4);
    const items = Array.from({ length: ITEMS }, () => full([1, 1], generator.normal()));
    return { model: new Sequential(new Linear(1, 1)).eval(), items };
  },
};

export const EDGES: readonly Subject[] = [
  ...[1e-30, 1e-15, 1e-6, 1e6, 1e15, 1e30].map((factor) =>
    edgeSubject(`about ${factor.toExponential()}`, scaled(factor)),
  ),
  edgeSubject('a constant', () => full(EDGE_SHAPE, 0.5)),
  edgeSubject('zeros', () => full(EDGE_SHAPE, 0)),
  edgeSubject('all negative', (generator) => calibrationItem(EDGE_SHAPE, generator).abs().mul(-1).sub(0.1)),
  edgeSubject('a dead channel', scaled(1), true),
  oneElement,
];
