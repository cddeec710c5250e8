/** Conformance cases of the kernels that move elements: layout, slicing, padding and gathering. */
import type { KernelAttributes } from '../../../../src/kernels/contract.js';
import type { DType } from '../../../../src/kernels/dtype.js';
import { integers, type KernelCase, operand, type SomeKernelCases, type, uniform } from '../kernelCase.js';

/** Kernels that only move elements take every type; these cases repeat one of them. */
const INTEGER_TYPES: readonly DType[] = ['int32', 'int8', 'uint8', 'bool'];

interface SliceExample {
  readonly name: string;
  readonly shape: readonly number[];
  readonly attributes: KernelAttributes['slice'];
  readonly result: readonly number[];
}

const SLICES: readonly SliceExample[] = [
  { name: 'middle', shape: [5, 6], attributes: { begin: [1, 2], steps: [1, 1] }, result: [3, 3] },
  { name: 'every second', shape: [5, 6], attributes: { begin: [0, 1], steps: [2, 2] }, result: [3, 3] },
  { name: 'backwards', shape: [5, 6], attributes: { begin: [4, 5], steps: [-1, -2] }, result: [5, 3] },
  { name: 'whole rows', shape: [4, 40], attributes: { begin: [1, 0], steps: [1, 1] }, result: [2, 40] },
  { name: 'long strided rows', shape: [2, 60], attributes: { begin: [0, 1], steps: [1, 2] }, result: [2, 30] },
  { name: 'three axes', shape: [3, 4, 5], attributes: { begin: [0, 3, 1], steps: [1, -1, 3] }, result: [2, 4, 2] },
  { name: 'nothing', shape: [3, 4], attributes: { begin: [1, 0], steps: [1, 1] }, result: [0, 4] },
  { name: 'scalar', shape: [], attributes: { begin: [], steps: [] }, result: [] },
];

interface PadExample {
  readonly name: string;
  readonly shape: readonly number[];
  readonly attributes: KernelAttributes['padGradient'];
  readonly result: readonly number[];
}

const PADS: readonly PadExample[] = (['constant', 'edge', 'reflect'] as const).flatMap((mode): PadExample[] => [
  {
    name: `${mode}: image`,
    shape: [2, 2, 3, 4],
    attributes: { padsBegin: [0, 0, 1, 2], padsEnd: [0, 0, 2, 1], mode },
    result: [2, 2, 6, 7],
  },
  {
    name: `${mode}: both axes`,
    shape: [3, 4],
    attributes: { padsBegin: [2, 3], padsEnd: [1, 0], mode },
    result: [6, 7],
  },
  { name: `${mode}: crop`, shape: [5, 6], attributes: { padsBegin: [-1, 2], padsEnd: [2, -3], mode }, result: [6, 5] },
  { name: `${mode}: scalar`, shape: [], attributes: { padsBegin: [], padsEnd: [], mode }, result: [] },
]);

interface GatherExample {
  readonly name: string;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly indices: readonly number[];
  readonly indicesShape: readonly number[];
}

const GATHERS: readonly GatherExample[] = [
  { name: 'embedding', shape: [7, 3], axis: 0, indices: [0, 6, 2, 2, 5, 0], indicesShape: [2, 3] },
  { name: 'last axis', shape: [2, 3, 4], axis: 2, indices: [3, 0, 3], indicesShape: [3] },
  { name: 'middle axis, negative indices', shape: [2, 5, 3], axis: 1, indices: [-1, -5, 2, 4], indicesShape: [2, 2] },
  { name: 'scalar index', shape: [4, 3], axis: 0, indices: [2], indicesShape: [] },
  { name: 'no indices', shape: [4, 3], axis: 0, indices: [], indicesShape: [0] },
  { name: 'outside reads zero', shape: [3, 2], axis: 0, indices: [-4, 3, 1], indicesShape: [3] },
];

const gathered = ({ shape, axis, indicesShape }: GatherExample): readonly number[] => [
  ...shape.slice(0, axis),
  ...indicesShape,
  ...shape.slice(axis + 1),
];

const GATHER_ELEMENTS: readonly GatherExample[] = [
  { name: 'rows', shape: [3, 4], axis: 1, indices: [0, 3, 3, 1, 2, 2], indicesShape: [3, 2] },
  { name: 'columns', shape: [3, 4], axis: 0, indices: [0, 1, 2, 0, 2, 2, -1, -3], indicesShape: [2, 4] },
  { name: 'middle axis', shape: [2, 3, 2], axis: 1, indices: [0, 1, 2, 2, 2, 0, 1, 1], indicesShape: [2, 2, 2] },
  { name: 'smaller indices', shape: [4, 3], axis: 1, indices: [2, 0], indicesShape: [2, 1] },
  { name: 'outside reads zero', shape: [2, 2], axis: 1, indices: [5, 0, -3, 1], indicesShape: [2, 2] },
];

const transpose: KernelCase<'transpose'>[] = (
  [
    [
      [3, 4],
      [1, 0],
    ],
    [
      [2, 3, 4],
      [2, 0, 1],
    ],
    [
      [2, 3, 4, 5],
      [0, 2, 3, 1],
    ],
    [
      [2, 3, 4, 5],
      [0, 1, 2, 3],
    ],
    [
      [2, 1, 3, 2, 2],
      [4, 1, 0, 3, 2],
    ],
    [[], []],
    [
      [0, 3],
      [1, 0],
    ],
  ] as const satisfies readonly (readonly [readonly number[], readonly number[]])[]
).map(([shape, order]: readonly [readonly number[], readonly number[]]) => ({
  name: `[${shape}] by [${order}]`,
  inputs: (random) => [uniform(random, shape)],
  attributes: { order },
  outputs: [type(order.map((axis) => shape[axis]))],
}));

const concat: KernelCase<'concat'>[] = [
  {
    name: 'first axis',
    inputs: (random) => [uniform(random, [1, 3]), uniform(random, [2, 3]), uniform(random, [0, 3])],
    attributes: { axis: 0 },
    outputs: [type([3, 3])],
  },
  {
    name: 'channels',
    inputs: (random) => [uniform(random, [2, 3, 2, 2]), uniform(random, [2, 1, 2, 2])],
    attributes: { axis: 1 },
    outputs: [type([2, 4, 2, 2])],
  },
  {
    name: 'last axis, one input',
    inputs: (random) => [uniform(random, [2, 5])],
    attributes: { axis: 1 },
    outputs: [type([2, 5])],
  },
  {
    name: 'many inputs',
    inputs: (random) => Array.from({ length: 14 }, (_, index) => uniform(random, [2, 1 + (index % 3), 2])),
    attributes: { axis: 1 },
    outputs: [type([2, 27, 2])],
  },
  {
    name: 'last axis, long rows',
    inputs: (random) => [uniform(random, [3, 33]), uniform(random, [3, 20]), uniform(random, [3, 2])],
    attributes: { axis: 1 },
    outputs: [type([3, 55])],
  },
];

const broadcast: KernelCase<'broadcast'>[] = (
  [
    [[], [2, 3]],
    [[3], [2, 3]],
    [
      [2, 1],
      [2, 3],
    ],
    [
      [1, 3, 1, 1],
      [2, 3, 4, 5],
    ],
    [
      [2, 1, 3],
      [4, 2, 5, 3],
    ],
    [
      [1, 3],
      [0, 3],
    ],
  ] as const satisfies readonly (readonly [readonly number[], readonly number[]])[]
).map(([from, to]: readonly [readonly number[], readonly number[]]) => ({
  name: `[${from}] to [${to}]`,
  inputs: (random) => [uniform(random, from)],
  attributes: {},
  outputs: [type(to)],
}));

export const INDEXING_CASES: SomeKernelCases<
  | 'broadcast'
  | 'transpose'
  | 'concat'
  | 'slice'
  | 'sliceGradient'
  | 'pad'
  | 'padGradient'
  | 'gather'
  | 'gatherGradient'
  | 'gatherElements'
  | 'gatherElementsGradient'
> = {
  broadcast,
  transpose: [
    ...transpose,
    ...INTEGER_TYPES.map(
      (dtype): KernelCase<'transpose'> => ({
        name: dtype,
        inputs: (random) => [integers(random, [3, 4], 0, 1, dtype)],
        attributes: { order: [1, 0] },
        outputs: [type([4, 3], dtype)],
      }),
    ),
  ],
  concat: [
    ...concat,
    ...INTEGER_TYPES.map(
      (dtype): KernelCase<'concat'> => ({
        name: dtype,
        inputs: (random) => [integers(random, [3, 4], 0, 1, dtype), integers(random, [3, 2], 0, 1, dtype)],
        attributes: { axis: 1 },
        outputs: [type([3, 6], dtype)],
      }),
    ),
  ],
  slice: [
    ...SLICES.map(
      ({ name, shape, attributes, result }): KernelCase<'slice'> => ({
        name,
        inputs: (random) => [uniform(random, shape)],
        attributes,
        outputs: [type(result)],
      }),
    ),
    ...INTEGER_TYPES.map(
      (dtype): KernelCase<'slice'> => ({
        name: dtype,
        inputs: (random) => [integers(random, [6, 4], 0, 1, dtype)],
        attributes: { begin: [5, 1], steps: [-2, 1] },
        outputs: [type([3, 2], dtype)],
      }),
    ),
  ],
  sliceGradient: SLICES.map(({ name, shape, attributes, result }) => ({
    name,
    inputs: (random) => [uniform(random, result)],
    attributes,
    outputs: [type(shape)],
  })),
  pad: [
    ...PADS.map(
      ({ name, shape, attributes, result }): KernelCase<'pad'> => ({
        name,
        inputs: (random) => [uniform(random, shape)],
        attributes: { ...attributes, value: 0.75 },
        outputs: [type(result)],
      }),
    ),
    {
      name: 'constant: empty input',
      inputs: () => [operand([0, 2], [])],
      attributes: { padsBegin: [1, 0], padsEnd: [1, 1], mode: 'constant', value: -2 },
      outputs: [type([2, 3])],
    },
    {
      name: 'constant: int32',
      inputs: (random) => [integers(random, [2, 3], -9, 9)],
      attributes: { padsBegin: [1, 0], padsEnd: [0, 2], mode: 'constant', value: 0 },
      outputs: [type([3, 5], 'int32')],
    },
    {
      name: 'reflect: more than once around',
      inputs: (random) => [uniform(random, [3])],
      attributes: { padsBegin: [5], padsEnd: [6], mode: 'reflect', value: 0 },
      outputs: [type([14])],
    },
  ],
  padGradient: [
    ...PADS.map(
      ({ name, shape, attributes, result }): KernelCase<'padGradient'> => ({
        name,
        inputs: (random) => [uniform(random, result)],
        attributes,
        outputs: [type(shape)],
      }),
    ),
    {
      name: 'edge: one element',
      inputs: (random) => [uniform(random, [6, 2])],
      attributes: { padsBegin: [2, 0], padsEnd: [3, 0], mode: 'edge' },
      outputs: [type([1, 2])],
    },
    ...(['edge', 'reflect'] as const).map(
      (mode): KernelCase<'padGradient'> => ({
        name: `${mode}: more than once around`,
        inputs: (random) => [uniform(random, [14])],
        attributes: { padsBegin: [5], padsEnd: [6], mode },
        outputs: [type([3])],
      }),
    ),
  ],
  gather: [
    ...GATHERS.map(
      (example): KernelCase<'gather'> => ({
        name: example.name,
        inputs: (random) => [uniform(random, example.shape), operand(example.indicesShape, example.indices, 'int32')],
        attributes: { axis: example.axis },
        outputs: [type(gathered(example))],
      }),
    ),
    ...INTEGER_TYPES.map(
      (dtype): KernelCase<'gather'> => ({
        name: dtype,
        inputs: (random) => [integers(random, [4, 3], 0, 1, dtype), operand([2], [3, 1], 'int32')],
        attributes: { axis: 0 },
        outputs: [type([2, 3], dtype)],
      }),
    ),
  ],
  gatherGradient: GATHERS.map((example) => ({
    name: example.name,
    inputs: (random) => [uniform(random, gathered(example)), operand(example.indicesShape, example.indices, 'int32')],
    attributes: { axis: example.axis },
    outputs: [type(example.shape)],
  })),
  gatherElements: GATHER_ELEMENTS.map(({ name, shape, axis, indices, indicesShape }) => ({
    name,
    inputs: (random) => [uniform(random, shape), operand(indicesShape, indices, 'int32')],
    attributes: { axis },
    outputs: [type(indicesShape)],
  })),
  gatherElementsGradient: GATHER_ELEMENTS.map(({ name, shape, axis, indices, indicesShape }) => ({
    name,
    inputs: (random) => [uniform(random, indicesShape), operand(indicesShape, indices, 'int32')],
    attributes: { axis },
    outputs: [type(shape)],
  })),
};
