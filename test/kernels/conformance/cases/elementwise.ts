/** Conformance cases of the elementwise kernels and of reductions. */
import type { BinaryFunction, ReduceFunction, UnaryFunction } from '../../../../src/kernels/contract.js';
import type { DType } from '../../../../src/kernels/dtype.js';
import {
  booleans,
  distinct,
  filled,
  integers,
  type KernelCase,
  operand,
  type SomeKernelCases,
  type,
  uniform,
} from '../kernelCase.js';

const UNARY_FUNCTIONS = {
  relu: 'any',
  sigmoid: 'any',
  tanh: 'any',
  exp: 'any',
  abs: 'any',
  negative: 'any',
  sign: 'any',
  floor: 'any',
  ceiling: 'any',
  round: 'any',
  erf: 'any',
  gelu: 'any',
  geluTanh: 'any',
  swish: 'any',
  hswish: 'any',
  hsigmoid: 'any',
  softplus: 'any',
  mish: 'any',
  log: 'positive',
  sqrt: 'positive',
  reciprocal: 'positive',
  logicalNot: 'bool',
} as const satisfies Record<UnaryFunction, 'any' | 'positive' | 'bool'>;

const unary: KernelCase<'unary'>[] = (Object.keys(UNARY_FUNCTIONS) as UnaryFunction[]).map((name) => {
  const domain = UNARY_FUNCTIONS[name];
  const shape = [2, 3, 7];
  return domain === 'bool'
    ? {
        name,
        inputs: (random) => [booleans(random, shape)],
        attributes: { function: name },
        outputs: [type(shape, 'bool')],
      }
    : {
        name,
        inputs: (random) => [domain === 'positive' ? uniform(random, shape, 0.1, 5) : uniform(random, shape, -6, 6)],
        attributes: { function: name },
        outputs: [type(shape)],
      };
});
unary.push(
  {
    name: 'round: ties to even',
    inputs: () => [operand([9], [-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 3.5, 8388609])],
    attributes: { function: 'round' },
    outputs: [type([9])],
  },
  { name: 'scalar', inputs: () => [operand([], [-3])], attributes: { function: 'abs' }, outputs: [type([])] },
  { name: 'empty', inputs: () => [operand([0, 4], [])], attributes: { function: 'exp' }, outputs: [type([0, 4])] },
  {
    name: 'relu of NaN and infinities',
    inputs: () => [operand([3], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])],
    attributes: { function: 'relu' },
    outputs: [type([3])],
    special: true,
  },
  {
    name: 'log: from the smallest to the largest',
    inputs: () => [operand([9], [1.2e-38, 1e-30, 1e-3, 0.999, 1, 1.0001, 1.5, 1e10, 3e38])],
    attributes: { function: 'log' },
    outputs: [type([9])],
  },
);
for (const name of [
  'abs',
  'negative',
  'sign',
  'floor',
  'ceiling',
  'sqrt',
  'reciprocal',
  'exp',
  'log',
  'sigmoid',
  'tanh',
  'softplus',
] as const) {
  unary.push({
    name: `${name}: NaN, infinities and zeros`,
    inputs: () => [operand([5], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0])],
    attributes: { function: name },
    outputs: [type([5])],
    special: true,
  });
}
for (const name of ['sigmoid', 'tanh', 'exp', 'erf', 'gelu', 'geluTanh', 'swish', 'softplus', 'mish'] as const) {
  const most = name === 'erf' || name === 'gelu' ? 8 : 80;
  unary.push({
    name: `${name}: large and small magnitudes`,
    inputs: () => [operand([8], [-most, -most / 3, -1e-3, -1e-7, 1e-7, 1e-3, most / 3, most])],
    attributes: { function: name },
    outputs: [type([8])],
  });
}
for (const name of ['abs', 'negative', 'sign', 'relu'] as const) {
  unary.push({
    name: `${name} of int32`,
    inputs: (random) => [integers(random, [11], -5, 5)],
    attributes: { function: name },
    outputs: [type([11], 'int32')],
  });
}

const ARITHMETIC: readonly BinaryFunction[] = ['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum'];
const COMPARISONS: readonly BinaryFunction[] = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'];

/** Pairs of shapes: same, scalar, trailing, leading, channel, both sides, other ranks, empty. */
const BROADCASTS: readonly (readonly [string, readonly number[], readonly number[], readonly number[]])[] = [
  ['same shape', [2, 3, 4], [2, 3, 4], [2, 3, 4]],
  ['scalar right', [2, 3, 4], [], [2, 3, 4]],
  ['scalar left', [1], [5, 2], [5, 2]],
  ['trailing axis', [2, 3, 4], [4], [2, 3, 4]],
  ['leading axis', [4, 3], [4, 1], [4, 3]],
  ['channel', [2, 3, 2, 5], [1, 3, 1, 1], [2, 3, 2, 5]],
  ['channel without batch', [2, 3, 2, 5], [3, 1, 1], [2, 3, 2, 5]],
  ['both sides', [3, 1, 4], [2, 1], [3, 2, 4]],
  ['both scalars', [], [], []],
  ['empty', [0, 3], [1, 3], [0, 3]],
  ['five axes', [2, 1, 3, 1, 2], [1, 4, 3, 2, 1], [2, 4, 3, 2, 2]],
];

const binary: KernelCase<'binary'>[] = [
  ...ARITHMETIC.flatMap((name) =>
    BROADCASTS.map(
      ([label, a, b, y]): KernelCase<'binary'> => ({
        name: `${name}: ${label}`,
        inputs: (random) => [uniform(random, a), uniform(random, b, 0.5, 2)],
        attributes: { function: name },
        outputs: [type(y)],
      }),
    ),
  ),
  ...COMPARISONS.flatMap((name) =>
    BROADCASTS.slice(0, 6).map(
      ([label, a, b, y]): KernelCase<'binary'> => ({
        name: `${name}: ${label}`,
        inputs: (random) => [integers(random, a, -2, 2, 'float32'), integers(random, b, -2, 2, 'float32')],
        attributes: { function: name },
        outputs: [type(y, 'bool')],
      }),
    ),
  ),
  ...(['logicalAnd', 'logicalOr'] as const).map(
    (name): KernelCase<'binary'> => ({
      name,
      inputs: (random) => [booleans(random, [3, 5]), booleans(random, [5])],
      attributes: { function: name },
      outputs: [type([3, 5], 'bool')],
    }),
  ),
  ...(['int32', 'int8', 'uint8'] as const).flatMap((dtype) =>
    [...ARITHMETIC, ...COMPARISONS].map(
      (name): KernelCase<'binary'> => ({
        name: `${name} of ${dtype}`,
        inputs: (random) => [
          integers(random, [4, 3], dtype === 'uint8' ? 9 : -9, 10, dtype),
          integers(random, [3], 1, 4, dtype),
        ],
        attributes: { function: name },
        outputs: [type([4, 3], COMPARISONS.includes(name) ? 'bool' : dtype)],
      }),
    ),
  ),
  {
    name: 'power',
    inputs: (random) => [uniform(random, [3, 4], 0.2, 3), uniform(random, [4])],
    attributes: { function: 'power' },
    outputs: [type([3, 4])],
  },
  {
    name: 'power: integer exponents of negative bases',
    inputs: (random) => [uniform(random, [3, 4], -3, -0.5), operand([4], [0, 1, 2, 3])],
    attributes: { function: 'power' },
    outputs: [type([3, 4])],
  },
  ...(['int8', 'uint8'] as const).flatMap((dtype) =>
    (['add', 'subtract', 'multiply'] as const).map(
      (name): KernelCase<'binary'> => ({
        name: `${name} of ${dtype}: wraps`,
        inputs: (random) => [
          integers(random, [4, 8], dtype === 'uint8' ? 0 : -128, dtype === 'uint8' ? 255 : 127, dtype),
          integers(random, [8], dtype === 'uint8' ? 0 : -128, dtype === 'uint8' ? 255 : 127, dtype),
        ],
        attributes: { function: name },
        outputs: [type([4, 8], dtype)],
      }),
    ),
  ),
  {
    name: 'divide of int32: signs, and by zero',
    inputs: () => [
      operand([8], [7, -7, 7, -7, 6, -6, 5, 0], 'int32'),
      operand([8], [2, 2, -2, -2, 3, -3, 0, 0], 'int32'),
    ],
    attributes: { function: 'divide' },
    outputs: [type([8], 'int32')],
  },
  {
    name: 'divide of int32: large',
    inputs: () => [
      operand([4], [16777213, -16777215, 16777215, 16000000], 'int32'),
      operand([4], [16777215, 16777214, 5, -7], 'int32'),
    ],
    attributes: { function: 'divide' },
    outputs: [type([4], 'int32')],
  },
  {
    name: 'power: whole exponents of either sign',
    inputs: (random) => [uniform(random, [5, 6], -2, 2), operand([6], [-7, -2, -1, 2, 5, 12])],
    attributes: { function: 'power' },
    outputs: [type([5, 6])],
    magnitude: 100,
  },
  {
    name: 'power: NaN, infinities and zeros',
    inputs: () => [
      operand([10], [Number.NaN, Number.NaN, 2, 0, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -2, 1]),
      operand([10], [0, 1, Number.NaN, -1, 0.5, 3, -2, 3, 0.5, Number.POSITIVE_INFINITY]),
    ],
    attributes: { function: 'power' },
    outputs: [type([10])],
    special: true,
  },
  ...(['maximum', 'minimum', 'greater', 'lessEqual', 'equal', 'notEqual'] as const).map(
    (name): KernelCase<'binary'> => ({
      name: `${name}: NaN and infinities`,
      inputs: () => [
        operand([4], [Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
        operand([4], [1, Number.NaN, 1, 1]),
      ],
      attributes: { function: name },
      outputs: [type([4], name === 'maximum' || name === 'minimum' ? 'float32' : 'bool')],
      special: true,
    }),
  ),
];

const select: KernelCase<'select'>[] = BROADCASTS.map(([label, a, b, y]) => ({
  name: label,
  inputs: (random) => [booleans(random, y), uniform(random, a), uniform(random, b)],
  attributes: {},
  outputs: [type(y)],
}));
select.push(
  {
    name: 'condition broadcast',
    inputs: (random) => [booleans(random, [3, 1]), uniform(random, [3, 4]), uniform(random, [])],
    attributes: {},
    outputs: [type([3, 4])],
  },
  {
    name: 'int32',
    inputs: (random) => [booleans(random, [6]), integers(random, [6], -9, 9), integers(random, [6], -9, 9)],
    attributes: {},
    outputs: [type([6], 'int32')],
  },
);

const CONVERSIONS: readonly (readonly [DType, DType])[] = [
  ['float32', 'int32'],
  ['float32', 'int8'],
  ['float32', 'uint8'],
  ['float32', 'bool'],
  ['int32', 'float32'],
  ['int32', 'bool'],
  ['int32', 'int8'],
  ['int8', 'float32'],
  ['uint8', 'float32'],
  ['bool', 'float32'],
  ['bool', 'int32'],
  ['uint8', 'int32'],
];

const convert: KernelCase<'convert'>[] = CONVERSIONS.map(([from, to]) => ({
  name: `${from} to ${to}`,
  inputs: (random) => [
    from === 'float32'
      ? filled([3, 11], () => (random() < 0.2 ? 0 : 600 * random() - 300))
      : integers(random, [3, 11], from === 'bool' || from === 'uint8' ? 0 : -100, from === 'bool' ? 1 : 100, from),
  ],
  attributes: {},
  outputs: [type([3, 11], to)],
}));

const REDUCTIONS: readonly (readonly [string, readonly number[], readonly number[], readonly number[]])[] = [
  ['all axes', [3, 4, 5], [0, 1, 2], []],
  ['all axes kept', [3, 4, 5], [0, 1, 2], [1, 1, 1]],
  ['first axis', [3, 4, 5], [0], [4, 5]],
  ['middle axis', [3, 4, 5], [1], [3, 5]],
  ['last axis kept', [3, 4, 5], [2], [3, 4, 1]],
  ['outer and last axes', [2, 3, 4, 5], [0, 3], [3, 4]],
  ['all but the channel', [2, 3, 4, 5], [0, 2, 3], [1, 3, 1, 1]],
  ['no axes', [3, 4], [], [3, 4]],
  ['scalar', [], [], []],
];

const reduce: KernelCase<'reduce'>[] = (
  ['sum', 'mean', 'max', 'min', 'prod'] as const satisfies readonly ReduceFunction[]
).flatMap((name) =>
  REDUCTIONS.map(
    ([label, shape, axes, result]): KernelCase<'reduce'> => ({
      name: `${name}: ${label}`,
      inputs: (random) => [name === 'prod' ? uniform(random, shape, 0.7, 1.3) : uniform(random, shape)],
      attributes: { function: name, axes },
      outputs: [type(result)],
    }),
  ),
);
reduce.push(
  ...(['sum', 'mean', 'max', 'min'] as const).flatMap((name): KernelCase<'reduce'>[] => [
    {
      name: `${name}: many elements`,
      inputs: (random) => [uniform(random, [3, 2100])],
      attributes: { function: name, axes: [0, 1] },
      outputs: [type([])],
      magnitude: 20,
    },
    {
      name: `${name}: many elements of each channel`,
      inputs: (random) => [uniform(random, [7, 3, 17, 13])],
      attributes: { function: name, axes: [0, 2, 3] },
      outputs: [type([3])],
      magnitude: 10,
    },
  ]),
  ...(['max', 'min', 'sum'] as const).map(
    (name): KernelCase<'reduce'> => ({
      name: `${name}: NaN and infinities`,
      inputs: () => [
        operand(
          [4, 3],
          [Number.NaN, 1, 2, 1, Number.NaN, 2, 1, Number.POSITIVE_INFINITY, 3, -1, Number.NEGATIVE_INFINITY, 4],
        ),
      ],
      attributes: { function: name, axes: [1] },
      outputs: [type([4])],
      special: true,
    }),
  ),
  {
    name: 'sum: empty axis',
    inputs: () => [operand([2, 0], [])],
    attributes: { function: 'sum', axes: [1] },
    outputs: [type([2])],
  },
  {
    name: 'sum of int32',
    inputs: (random) => [integers(random, [4, 6], -50, 50)],
    attributes: { function: 'sum', axes: [0] },
    outputs: [type([6], 'int32')],
  },
  {
    name: 'max of int32',
    inputs: (random) => [integers(random, [4, 6], -50, -1)],
    attributes: { function: 'max', axes: [1] },
    outputs: [type([4], 'int32')],
  },
);

const topK: KernelCase<'topK'>[] = (['max', 'min'] as const).flatMap((mode): KernelCase<'topK'>[] => [
  {
    name: `${mode}: last axis`,
    inputs: (random) => [distinct(random, [3, 8])],
    attributes: { axis: 1, k: 3, mode },
    outputs: [type([3, 3]), type([3, 3], 'int32')],
  },
  {
    name: `${mode}: middle axis`,
    inputs: (random) => [distinct(random, [2, 5, 3])],
    attributes: { axis: 1, k: 1, mode },
    outputs: [type([2, 1, 3]), type([2, 1, 3], 'int32')],
  },
  {
    name: `${mode}: ties, all elements`,
    inputs: () => [operand([6], [1, 2, 2, 1, 2, 0])],
    attributes: { axis: 0, k: 6, mode },
    outputs: [type([6]), type([6], 'int32')],
  },
]);

export const ELEMENTWISE_CASES: SomeKernelCases<
  'unary' | 'binary' | 'select' | 'clamp' | 'elu' | 'convert' | 'reduce' | 'topK'
> = {
  unary,
  binary,
  select,
  clamp: [
    {
      name: 'relu6',
      inputs: (random) => [uniform(random, [4, 9], -4, 10)],
      attributes: { min: 0, max: 6 },
      outputs: [type([4, 9])],
    },
    {
      name: 'NaN and infinities',
      inputs: () => [operand([3], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])],
      attributes: { min: -1, max: 1 },
      outputs: [type([3])],
      special: true,
    },
    {
      name: 'one side',
      inputs: (random) => [uniform(random, [7])],
      attributes: { min: Number.NEGATIVE_INFINITY, max: 0.5 },
      outputs: [type([7])],
    },
    {
      name: 'int32',
      inputs: (random) => [integers(random, [9], -9, 9)],
      attributes: { min: -3, max: 5 },
      outputs: [type([9], 'int32')],
    },
  ],
  elu: [
    {
      name: 'alpha 0.7',
      inputs: (random) => [uniform(random, [5, 6])],
      attributes: { alpha: 0.7 },
      outputs: [type([5, 6])],
    },
    {
      name: 'large and small magnitudes',
      inputs: () => [operand([9], [-90, -20, -0.4, -0.3, -1e-3, -1e-6, 0, 1e-6, 50])],
      attributes: { alpha: 1.5 },
      outputs: [type([9])],
    },
    {
      name: 'NaN and infinities',
      inputs: () => [operand([3], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])],
      attributes: { alpha: 1 },
      outputs: [type([3])],
      special: true,
    },
  ],
  convert: [
    ...convert,
    {
      name: 'saturates',
      inputs: () => [operand([4], [-1e10, 1e10, -2.9, 2.9])],
      attributes: {},
      outputs: [type([4], 'int32')],
    },
    ...(['int32', 'int8', 'uint8', 'bool'] as const).map(
      (dtype): KernelCase<'convert'> => ({
        name: `NaN and infinities to ${dtype}`,
        inputs: () => [operand([3], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])],
        attributes: {},
        outputs: [type([3], dtype)],
        special: true,
      }),
    ),
    {
      name: 'int32 to uint8: wraps',
      inputs: () => [operand([6], [-300, -1, 255, 256, 1000, -256], 'int32')],
      attributes: {},
      outputs: [type([6], 'uint8')],
    },
  ],
  reduce,
  topK,
};
