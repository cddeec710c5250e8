/** Conformance cases of the neural-network kernels: products, convolution, pooling, normalization, resizing. */
import type { Conv2dAttributes, InterpolateAttributes, KernelAttributes } from '../../../../src/kernels/contract.js';
import { runReferenceKernel } from '../../../../src/kernels/reference/backend.js';
import type { HostOperand } from '../../../../src/kernels/reference/kernel.js';
import { distinct, type KernelCase, operand, type Random, type SomeKernelCases, type, uniform } from '../kernelCase.js';

type Shape = readonly number[];

interface ConvolutionExample {
  readonly name: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly attributes: Conv2dAttributes;
}

const PLAIN: Conv2dAttributes = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1], groups: 1 };

/** The output's shape by the formula of the guide: floor((in + pads - ((k - 1) d + 1)) / s) + 1. */
function convolution(name: string, x: Shape, w: Shape, changes: Partial<Conv2dAttributes> = {}): ConvolutionExample {
  const attributes = { ...PLAIN, ...changes };
  const { strides, padsBegin, padsEnd, dilations } = attributes;
  const spatial = [0, 1].map((axis) => {
    const window = (w[axis + 2] - 1) * dilations[axis] + 1;
    return Math.floor((x[axis + 2] + padsBegin[axis] + padsEnd[axis] - window) / strides[axis]) + 1;
  });
  return { name, x, w, y: [x[0], w[0], ...spatial], attributes };
}

const CONVOLUTIONS: readonly ConvolutionExample[] = [
  convolution('3x3', [2, 3, 6, 5], [4, 3, 3, 3]),
  convolution('3x3 same', [2, 3, 5, 6], [4, 3, 3, 3], { padsBegin: [1, 1], padsEnd: [1, 1] }),
  convolution('1x1', [2, 5, 4, 4], [3, 5, 1, 1]),
  convolution('1x1 strided', [1, 4, 5, 5], [6, 4, 1, 1], { strides: [2, 2] }),
  convolution('5x5 strided, padded', [1, 2, 9, 8], [3, 2, 5, 5], {
    strides: [2, 2],
    padsBegin: [2, 2],
    padsEnd: [2, 2],
  }),
  convolution('uneven pads', [1, 2, 6, 6], [2, 2, 3, 3], { strides: [2, 2], padsBegin: [0, 0], padsEnd: [1, 1] }),
  convolution('dilated', [1, 2, 8, 9], [3, 2, 3, 3], { dilations: [2, 3], padsBegin: [1, 2], padsEnd: [2, 1] }),
  convolution('groups', [2, 4, 5, 5], [6, 2, 3, 3], { groups: 2, padsBegin: [1, 1], padsEnd: [1, 1] }),
  convolution('depthwise', [2, 3, 6, 6], [3, 1, 3, 3], { groups: 3, padsBegin: [1, 1], padsEnd: [1, 1] }),
  convolution('depthwise strided', [1, 4, 7, 7], [4, 1, 3, 3], {
    groups: 4,
    strides: [2, 2],
    padsBegin: [1, 1],
    padsEnd: [1, 1],
  }),
  convolution('depthwise with multiplier', [1, 2, 5, 5], [4, 1, 3, 3], { groups: 2 }),
  convolution('different strides and kernel', [1, 2, 7, 9], [2, 2, 2, 4], {
    strides: [3, 2],
    padsBegin: [1, 0],
    padsEnd: [0, 2],
  }),
  convolution('stride leaves pixels unread', [1, 1, 6, 6], [1, 1, 1, 1], { strides: [4, 4] }),
  convolution('stride larger than the kernel', [2, 2, 9, 8], [3, 2, 2, 2], { strides: [3, 4] }),
  convolution('images of one pixel', [3, 2, 1, 1], [4, 2, 3, 3], { padsBegin: [1, 1], padsEnd: [1, 1] }),
  convolution('dilated groups, uneven pads', [1, 4, 6, 7], [2, 2, 3, 2], {
    groups: 2,
    dilations: [2, 1],
    padsBegin: [0, 3],
    padsEnd: [2, 0],
  }),
  convolution('many pixels', [5, 1, 16, 15], [2, 1, 3, 3], { padsBegin: [1, 1], padsEnd: [1, 1] }),
];

interface PoolExample {
  readonly name: string;
  readonly x: Shape;
  readonly y: Shape;
  readonly attributes: KernelAttributes['maxPool2d'];
}

const pool = (
  name: string,
  x: Shape,
  spatial: Shape,
  changes: Partial<KernelAttributes['maxPool2d']>,
): PoolExample => ({
  name,
  x,
  y: [x[0], x[1], ...spatial],
  attributes: { kernel: [2, 2], strides: [2, 2], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1], ...changes },
});

const POOLS: readonly PoolExample[] = [
  pool('2x2', [2, 3, 6, 4], [3, 2], {}),
  pool('3x3 strided, padded', [1, 2, 7, 7], [4, 4], { kernel: [3, 3], padsBegin: [1, 1], padsEnd: [1, 1] }),
  pool('overlapping', [1, 2, 5, 6], [3, 4], { kernel: [3, 3], strides: [1, 1] }),
  pool('last window hangs over', [1, 1, 5, 5], [3, 3], { padsEnd: [1, 1] }),
  pool('stride larger than the kernel', [1, 2, 7, 9], [3, 2], { strides: [3, 5] }),
  pool('images of one pixel', [2, 3, 1, 1], [1, 1], { kernel: [3, 3], padsBegin: [1, 1], padsEnd: [1, 1] }),
  pool('uneven', [1, 2, 6, 8], [3, 4], { kernel: [3, 2], strides: [2, 2], padsBegin: [1, 0], padsEnd: [0, 0] }),
];

const DILATED_POOL = pool('dilated', [1, 2, 7, 8], [3, 4], { kernel: [3, 3], strides: [1, 1], dilations: [2, 2] });

const averagePools = POOLS.flatMap(({ attributes: { dilations: _, ...attributes }, ...example }) =>
  [false, true].map((excludePad) => ({
    ...example,
    name: `${example.name}, ${excludePad ? 'without' : 'with'} pads`,
    attributes: { ...attributes, excludePad },
  })),
);

const ADAPTIVE: readonly (readonly [Shape, Shape])[] = [
  [
    [2, 3, 5, 7],
    [2, 3, 1, 1],
  ],
  [
    [1, 2, 6, 4],
    [1, 2, 3, 2],
  ],
  [
    [1, 2, 7, 5],
    [1, 2, 3, 4],
  ],
  [
    [1, 1, 2, 3],
    [1, 1, 4, 5],
  ],
];

const BATCH_NORMS: readonly Shape[] = [
  [4, 3, 2, 5],
  [6, 4],
  [2, 1, 3, 3],
  [7, 3, 13, 17],
];

/** x, gamma and what the forward pass computes from x. */
function batchNormInputs(random: Random, shape: Shape): HostOperand[] {
  const channels = shape[1];
  const [g, x] = [uniform(random, shape), uniform(random, shape)];
  const [gamma, beta] = [uniform(random, [channels], 0.5, 1.5), uniform(random, [channels])];
  const types = [type(shape), type([channels]), type([channels])];
  const [, mean, variance] = runReferenceKernel('batchNorm', [x, gamma, beta], { epsilon: 1e-3 }, types);
  return [g, x, gamma, operand([channels], mean), operand([channels], variance)];
}

const batchNormInferenceInputs = (random: Random, shape: Shape): HostOperand[] => {
  const channels = [shape[1]];
  const [gamma, beta, mean] = [uniform(random, channels), uniform(random, channels), uniform(random, channels)];
  return [uniform(random, shape), gamma, beta, mean, uniform(random, channels, 0, 2)];
};

const NORMALIZED: readonly (readonly [string, Shape, readonly number[]])[] = [
  ['last axis', [3, 4, 6], [2]],
  ['planes', [2, 3, 4, 5], [2, 3]],
  ['all but the batch', [2, 3, 2, 2], [1, 2, 3]],
  ['first axis', [5, 3], [0]],
  ['long groups', [2, 3, 20, 31], [0, 2, 3]],
];

const SOFTMAXES: readonly (readonly [Shape, number])[] = [
  [[4, 7], 1],
  [[2, 3, 4], 1],
  [[5, 2], 0],
  [[6], 0],
];

interface ResizeExample {
  readonly name: string;
  readonly x: Shape;
  readonly y: Shape;
  readonly attributes: InterpolateAttributes;
}

const RESIZES: readonly ResizeExample[] = (['nearest', 'linear'] as const).flatMap((mode) =>
  (['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'] as const).flatMap((coordinates) =>
    (
      [
        ['doubled', [6, 8]],
        ['halved', [2, 2]],
        ['odd sizes', [5, 7]],
        ['one pixel', [1, 1]],
        ['a factor that is no quotient of the sizes', [5, 6]],
      ] as const
    ).map(([label, spatial]): ResizeExample => {
      const alignedSteps = [3, 4].map((extent, axis) => (spatial[axis] > 1 ? (extent - 1) / (spatial[axis] - 1) : 0));
      const scaledSteps = label.startsWith('a factor') ? [1 / 1.7321, 1 / 1.7321] : [3 / spatial[0], 4 / spatial[1]];
      const steps = coordinates === 'align_corners' ? alignedSteps : scaledSteps;
      return {
        name: `${mode}, ${coordinates}: ${label}`,
        x: [2, 2, 3, 4],
        y: [2, 2, ...spatial],
        attributes: { mode, coordinates, steps },
      };
    }),
  ),
);

const MATRICES: readonly (readonly [string, Shape, Shape, boolean, boolean, Shape])[] = [
  ['plain', [3, 5], [5, 4], false, false, [3, 4]],
  ['transposed left', [5, 3], [5, 4], true, false, [3, 4]],
  ['transposed right', [3, 5], [4, 5], false, true, [3, 4]],
  ['both transposed', [5, 3], [4, 5], true, true, [3, 4]],
  ['batched', [2, 3, 4], [2, 4, 2], false, false, [2, 3, 2]],
  ['batch broadcast', [2, 1, 3, 4], [1, 3, 5, 4], false, true, [2, 3, 3, 5]],
  ['row and column', [1, 7], [7, 1], false, false, [1, 1]],
  ['empty product', [2, 0], [0, 3], false, false, [2, 3]],
  ['large enough for blocks', [37, 70], [70, 41], false, false, [37, 41]],
  ['long sums', [2, 1, 3, 1301], [1, 2, 2, 1301], false, true, [2, 2, 3, 2]],
  ['long sums, left transposed', [1500, 2], [1500, 3], true, false, [2, 3]],
];

/** Lines with -Infinity in them, as masks of attention leave it; in the long one whole chunks of it, whatever their size. */
const MASKED_LINES: readonly (KernelCase<'softmax'> & KernelCase<'logSoftmax'>)[] = [
  { name: 'masked lines', shape: [2, 5], masked: 2 },
  { name: 'masked lines, many elements', shape: [2, 1600], masked: 900 },
].map(({ name, shape, masked }) => ({
  name,
  inputs: (random: Random) => {
    const x = uniform(random, shape, -5, 5);
    x.values.fill(Number.NEGATIVE_INFINITY, 0, masked);
    x.values[x.values.length - 1] = Number.NEGATIVE_INFINITY;
    return [x];
  },
  attributes: { axis: 1 },
  outputs: [type(shape)],
  special: true,
}));

export const NN_CASES: SomeKernelCases<
  | 'matMul'
  | 'conv2d'
  | 'conv2dInputGradient'
  | 'conv2dFilterGradient'
  | 'maxPool2d'
  | 'maxPool2dGradient'
  | 'avgPool2d'
  | 'avgPool2dGradient'
  | 'adaptiveAvgPool2d'
  | 'adaptiveAvgPool2dGradient'
  | 'batchNorm'
  | 'batchNormStatistics'
  | 'batchNormInference'
  | 'batchNormGradient'
  | 'softmax'
  | 'logSoftmax'
  | 'mvn'
  | 'mvnGradient'
  | 'interpolate'
  | 'interpolateGradient'
> = {
  matMul: MATRICES.map(([name, a, b, transposeA, transposeB, y]) => ({
    name,
    inputs: (random) => [uniform(random, a), uniform(random, b)],
    attributes: { transposeA, transposeB },
    outputs: [type(y)],
    magnitude: 8,
  })),
  conv2d: CONVOLUTIONS.map(({ name, x, w, y, attributes }) => ({
    name,
    inputs: (random) => [uniform(random, x), uniform(random, w)],
    attributes,
    outputs: [type(y)],
    magnitude: 8,
  })),
  conv2dInputGradient: CONVOLUTIONS.map(({ name, x, w, y, attributes }) => ({
    name,
    inputs: (random) => [uniform(random, y), uniform(random, w)],
    attributes,
    outputs: [type(x)],
    magnitude: 8,
  })),
  conv2dFilterGradient: CONVOLUTIONS.map(({ name, x, w, y, attributes }) => ({
    name,
    inputs: (random) => [uniform(random, x), uniform(random, y)],
    attributes,
    outputs: [type(w)],
    magnitude: 8,
  })),
  maxPool2d: [
    ...[...POOLS, DILATED_POOL].map(
      ({ name, x, y, attributes }): KernelCase<'maxPool2d'> => ({
        name,
        inputs: (random) => [distinct(random, x)],
        attributes,
        outputs: [type(y), type(y, 'int32')],
      }),
    ),
    {
      name: 'ties: the first wins',
      inputs: () => [operand([1, 1, 2, 4], [1, 1, 0, 2, 1, 1, 2, 2])],
      attributes: POOLS[0].attributes,
      outputs: [type([1, 1, 1, 2]), type([1, 1, 1, 2], 'int32')],
    },
    {
      name: 'NaN is a maximum',
      inputs: () => [operand([1, 1, 2, 2], [1, 2, Number.NaN, Number.POSITIVE_INFINITY])],
      attributes: POOLS[0].attributes,
      outputs: [type([1, 1, 1, 1]), type([1, 1, 1, 1], 'int32')],
      special: true,
    },
  ],
  maxPool2dGradient: [...POOLS, DILATED_POOL].flatMap(({ name, x, y, attributes: window }) =>
    [{ window }, {}].map((attributes) => ({
      name: `${name}${'window' in attributes ? '' : ', the window unknown'}`,
      inputs: (random: Random) => {
        const [, indices] = runReferenceKernel('maxPool2d', [distinct(random, x)], window, [type(y), type(y, 'int32')]);
        return [uniform(random, y), operand(y, indices, 'int32')];
      },
      attributes,
      outputs: [type(x)],
    })),
  ),
  avgPool2d: averagePools.map(({ name, x, y, attributes }) => ({
    name,
    inputs: (random) => [uniform(random, x)],
    attributes,
    outputs: [type(y)],
  })),
  avgPool2dGradient: averagePools.map(({ name, x, y, attributes }) => ({
    name,
    inputs: (random) => [uniform(random, y)],
    attributes,
    outputs: [type(x)],
  })),
  adaptiveAvgPool2d: ADAPTIVE.map(([x, y]) => ({
    name: `[${x}] to [${y}]`,
    inputs: (random) => [uniform(random, x)],
    attributes: {},
    outputs: [type(y)],
  })),
  adaptiveAvgPool2dGradient: ADAPTIVE.map(([x, y]) => ({
    name: `[${y}] to [${x}]`,
    inputs: (random) => [uniform(random, y)],
    attributes: {},
    outputs: [type(x)],
  })),
  batchNorm: BATCH_NORMS.map((shape) => ({
    name: `[${shape}]`,
    inputs: (random) => [uniform(random, shape), uniform(random, [shape[1]], 0.5, 1.5), uniform(random, [shape[1]])],
    attributes: { epsilon: 1e-3 },
    outputs: [type(shape), type([shape[1]]), type([shape[1]])],
  })),
  batchNormStatistics: BATCH_NORMS.map((shape) => ({
    name: `[${shape}]`,
    inputs: (random) => [uniform(random, shape), uniform(random, [shape[1]], 0.5, 1.5), uniform(random, [shape[1]])],
    attributes: { epsilon: 1e-3 },
    outputs: [type([shape[1]]), type([shape[1]]), type([shape[1]])],
  })),
  batchNormInference: BATCH_NORMS.map((shape) => ({
    name: `[${shape}]`,
    inputs: (random) => batchNormInferenceInputs(random, shape),
    attributes: { epsilon: 1e-3 },
    outputs: [type(shape)],
  })),
  batchNormGradient: BATCH_NORMS.map((shape) => ({
    name: `[${shape}]`,
    inputs: (random) => batchNormInputs(random, shape),
    attributes: { epsilon: 1e-3 },
    outputs: [type(shape), type([shape[1]]), type([shape[1]])],
    magnitude: 8,
  })),
  softmax: [
    ...SOFTMAXES.map(
      ([shape, axis]): KernelCase<'softmax'> => ({
        name: `[${shape}] along ${axis}`,
        inputs: (random) => [uniform(random, shape, -20, 20)],
        attributes: { axis },
        outputs: [type(shape)],
      }),
    ),
    ...MASKED_LINES,
  ],
  logSoftmax: [
    ...SOFTMAXES.map(
      ([shape, axis]): KernelCase<'logSoftmax'> => ({
        name: `[${shape}] along ${axis}`,
        inputs: (random) => [uniform(random, shape, -200, 200)],
        attributes: { axis },
        outputs: [type(shape)],
        magnitude: 100,
      }),
    ),
    ...MASKED_LINES,
  ],
  mvn: NORMALIZED.map(([name, shape, axes]) => ({
    name,
    inputs: (random) => [uniform(random, shape)],
    attributes: { axes, epsilon: 1e-3 },
    outputs: [type(shape)],
  })),
  mvnGradient: NORMALIZED.map(([name, shape, axes]) => ({
    name,
    inputs: (random) => {
      const x = uniform(random, shape);
      const [y] = runReferenceKernel('mvn', [x], { axes, epsilon: 1e-3 }, [type(shape)]);
      return [uniform(random, shape), operand(shape, y), x];
    },
    attributes: { axes, epsilon: 1e-3 },
    outputs: [type(shape)],
    magnitude: 8,
  })),
  interpolate: RESIZES.map(({ name, x, y, attributes }) => ({
    name,
    inputs: (random) => [uniform(random, x)],
    attributes,
    outputs: [type(y)],
  })),
  interpolateGradient: RESIZES.map(({ name, x, y, attributes }) => ({
    name,
    inputs: (random) => [uniform(random, y)],
    attributes,
    outputs: [type(x)],
  })),
};
