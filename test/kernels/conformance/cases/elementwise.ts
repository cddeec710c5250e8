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
    name: 'large magnitudes',
    inputs: () => [operand([4], [-90, -30, 30, 90])],
    attributes: { function: 'softplus' },
    outputs: [type([4])],
  },
);
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
  ...(['maximum', 'greater', 'equal'] as const).map(
    (name): KernelCase<'binary'> => ({
      name: `${name}: NaN and infinities`,
      inputs: () => [
        operand([4], [Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
        operand([4], [1, Number.NaN, 1, 1]),
      ],
      attributes: { function: name },
      outputs: [type([4], name === 'maximum' ? 'float32' : 'bool')],
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
  ],
  elu: [
    {
      name: 'alpha 0.7',
      inputs: (random) => [uniform(random, [5, 6])],
      attributes: { alpha: 0.7 },
      outputs: [type([5, 6])],
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
  ],
  reduce,
  topK,
};
