/** Conformance cases of fake quantization and of the optimizers' updates. */
import type { KernelAttributes } from '../../../../src/kernels/contract.js';
import type { HostOperand } from '../../../../src/kernels/reference/kernel.js';
import { type KernelCase, operand, type Random, type SomeKernelCases, type, uniform } from '../kernelCase.js';

interface GridExample {
  readonly name: string;
  readonly shape: readonly number[];
  /** Shape of low and range. */
  readonly limits: readonly number[];
  readonly low: readonly number[];
  readonly range: readonly number[];
  readonly attributes: KernelAttributes['fakeQuantizeGradient'];
  readonly magnitude?: number;
}

const SIGNED = { levels: 256, levelLow: -128, levelHigh: 127 } as const;
const NARROW = { levels: 255, levelLow: -127, levelHigh: 127 } as const;
const UNSIGNED = { levels: 256, levelLow: 0, levelHigh: 255 } as const;
const FOUR_BITS = { levels: 16, levelLow: -8, levelHigh: 7 } as const;

const GRIDS: readonly GridExample[] = [
  { name: 'signed per tensor', shape: [3, 7], limits: [1], low: [-1.28], range: [2.55], attributes: SIGNED },
  { name: 'unsigned per tensor', shape: [2, 3, 5], limits: [1], low: [0], range: [1.5], attributes: UNSIGNED },
  { name: 'asymmetric per tensor', shape: [41], limits: [1], low: [-0.5], range: [1.7], attributes: UNSIGNED },
  {
    name: 'narrow per channel, axis 0',
    shape: [3, 2, 2, 2],
    limits: [3, 1, 1, 1],
    low: [-1, -0.5, -2],
    range: [2, 1, 4],
    attributes: NARROW,
  },
  {
    name: 'four bits per channel, axis 1',
    shape: [2, 3, 4],
    limits: [1, 3, 1],
    low: [-0.8, -1.6, -0.4],
    range: [1.5, 3, 0.75],
    attributes: FOUR_BITS,
  },
  {
    name: 'signed per channel, last axis',
    shape: [5, 4],
    limits: [1, 4],
    low: [-1, -0.5, -2, -0.1],
    range: [2, 1, 4, 0.2],
    attributes: SIGNED,
  },
  { name: 'one element of the rank of x', shape: [2, 6], limits: [1, 1], low: [-1], range: [2], attributes: NARROW },
  {
    name: 'two levels',
    shape: [9],
    limits: [1],
    low: [-1],
    range: [2],
    attributes: { levels: 2, levelLow: -1, levelHigh: 0 },
  },
  {
    name: 'many elements per channel',
    shape: [40, 2, 31],
    limits: [1, 2, 1],
    low: [-1, -0.8],
    range: [2, 1.6],
    attributes: SIGNED,
    magnitude: 8,
  },
  { name: 'small scale', shape: [9], limits: [1], low: [-1e-6], range: [2e-6], attributes: NARROW, magnitude: 1e-6 },
  { name: 'scalar', shape: [], limits: [1], low: [-1.28], range: [2.55], attributes: SIGNED },
  { name: 'empty', shape: [0, 3], limits: [1, 3], low: [-1, -1, -1], range: [2, 2, 2], attributes: SIGNED },
];

/** x spans the range of the first channel and a third more on both sides. */
const gridInputs = (random: Random, { shape, limits, low, range }: GridExample): HostOperand[] => [
  uniform(random, shape, low[0] - range[0] / 3, low[0] + (4 * range[0]) / 3),
  operand(limits, low),
  operand(limits, range),
];

const specialInputs = (): HostOperand[] => [
  operand([4], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]),
  operand([1], [-1.28]),
  operand([1], [2.55]),
];

/** x, input low, input high, output low, output high. */
interface OpenvinoExample {
  readonly name: string;
  readonly shape: readonly number[];
  readonly limits: readonly number[];
  readonly values: readonly (readonly number[])[];
  readonly levels: number;
}

const OPENVINO: readonly OpenvinoExample[] = [
  { name: 'scalar limits', shape: [2, 9], limits: [], values: [[-1], [1], [-1], [1]], levels: 255 },
  { name: 'other output range', shape: [2, 9], limits: [1, 1], values: [[-1], [1], [0], [10]], levels: 16 },
  {
    name: 'per channel',
    shape: [2, 3, 2, 2],
    limits: [1, 3, 1, 1],
    values: [
      [-1, -2, 0],
      [1, 2, 1.5],
      [-1, -2, 0],
      [1, 2, 1.5],
    ],
    levels: 256,
  },
  { name: 'binarization', shape: [11], limits: [], values: [[0], [0], [-1], [1]], levels: 2 },
  { name: 'ties', shape: [8], limits: [], values: [[0], [4], [0], [4]], levels: 5 },
];

const openvino = OPENVINO.map(
  ({ name, shape, limits, values, levels }): KernelCase<'fakeQuantizeOpenvino'> => ({
    name,
    inputs: (random) => [
      name === 'ties' ? operand(shape, [-0.5, 0, 0.5, 1.5, 2.5, 3.5, 4, 4.5]) : uniform(random, shape, -1.5, 1.5),
      ...values.map((each) => operand(limits, each)),
    ],
    attributes: { levels },
    outputs: [type(shape)],
  }),
);

const SGD: KernelAttributes['sgdUpdate'] = {
  learningRate: 0.1,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  first: false,
};
const ADAM: KernelAttributes['adamUpdate'] = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  decoupled: false,
  step: 1,
};
const RMSPROP: KernelAttributes['rmspropUpdate'] = {
  learningRate: 0.01,
  alpha: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
};

const STATE = [4, 5] as const;

export const QUANTIZATION_CASES: SomeKernelCases<
  | 'fakeQuantize'
  | 'fakeQuantizeCodes'
  | 'fakeQuantizeGradient'
  | 'fakeQuantizeOpenvino'
  | 'sgdUpdate'
  | 'adamUpdate'
  | 'rmspropUpdate'
> = {
  fakeQuantize: [
    ...GRIDS.map(
      (grid): KernelCase<'fakeQuantize'> => ({
        name: grid.name,
        inputs: (random) => gridInputs(random, grid),
        attributes: { levels: grid.attributes.levels },
        outputs: [type(grid.shape)],
        magnitude: grid.magnitude,
      }),
    ),
    {
      name: 'NaN and infinities',
      inputs: specialInputs,
      attributes: { levels: 256 },
      outputs: [type([4])],
      special: true,
    },
  ],
  fakeQuantizeCodes: [
    ...GRIDS.map(
      (grid): KernelCase<'fakeQuantizeCodes'> => ({
        name: grid.name,
        inputs: (random) => gridInputs(random, grid),
        attributes: { levels: grid.attributes.levels },
        outputs: [type(grid.shape, 'int32')],
      }),
    ),
    {
      name: 'NaN and infinities',
      inputs: specialInputs,
      attributes: { levels: 256 },
      outputs: [type([4], 'int32')],
      special: true,
    },
  ],
  fakeQuantizeGradient: [
    ...GRIDS.map(
      (grid): KernelCase<'fakeQuantizeGradient'> => ({
        name: grid.name,
        inputs: (random) => [uniform(random, grid.shape), ...gridInputs(random, grid)],
        attributes: grid.attributes,
        outputs: [type(grid.shape), type(grid.limits), type(grid.limits)],
      }),
    ),
    {
      name: 'NaN and infinities',
      inputs: () => [operand([4], [1, 2, 4, 8]), ...specialInputs()],
      attributes: SIGNED,
      outputs: [type([4]), type([1]), type([1])],
      special: true,
    },
  ],
  fakeQuantizeOpenvino: [
    ...openvino,
    {
      name: 'NaN and infinities',
      inputs: () => [specialInputs()[0], ...[-1, 1, -2, 2].map((limit) => operand([], [limit]))],
      attributes: { levels: 16 },
      outputs: [type([4])],
      special: true,
    },
  ],
  sgdUpdate: (
    [
      ['plain', {}],
      ['weight decay', { weightDecay: 0.1 }],
      ['momentum, first step', { momentum: 0.9, first: true, dampening: 0.3 }],
      ['momentum and dampening', { momentum: 0.9, dampening: 0.3 }],
      ['nesterov', { momentum: 0.8, nesterov: true, weightDecay: 0.01 }],
    ] as const
  ).map(([name, changes]) => ({
    name,
    inputs: (random) => [uniform(random, STATE), uniform(random, STATE), uniform(random, STATE)],
    attributes: { ...SGD, ...changes },
    outputs: [type(STATE), type(STATE)],
  })),
  adamUpdate: (
    [
      ['first step', {}],
      ['tenth step', { step: 10 }],
      ['weight decay', { weightDecay: 0.1, step: 3 }],
      ['decoupled weight decay', { weightDecay: 0.1, step: 3, decoupled: true }],
    ] as const
  ).map(([name, changes]) => ({
    name,
    inputs: (random) => [
      uniform(random, STATE),
      uniform(random, STATE),
      uniform(random, STATE),
      uniform(random, STATE, 0.1, 1),
    ],
    attributes: { ...ADAM, ...changes },
    outputs: [type(STATE), type(STATE), type(STATE)],
  })),
  rmspropUpdate: (
    [
      ['plain', {}],
      ['weight decay', { weightDecay: 0.1 }],
      ['momentum', { momentum: 0.9 }],
      ['centered', { centered: true }],
      ['centered with momentum', { centered: true, momentum: 0.5, weightDecay: 0.01 }],
    ] as const
  ).map(([name, changes]) => ({
    name,
    inputs: (random) => [
      uniform(random, STATE),
      uniform(random, STATE),
      uniform(random, STATE, 1, 2),
      uniform(random, STATE),
      uniform(random, STATE, -0.9, 0.9),
    ],
    attributes: { ...RMSPROP, ...changes },
    outputs: [type(STATE), type(STATE), type(STATE), type(STATE)],
  })),
};
