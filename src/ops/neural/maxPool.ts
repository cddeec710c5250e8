/** MaxPool: the largest value of each window, and where it stands. */
import { apply, applyOne } from '../../autograd/dispatch.js';
import {
  defineOperation,
  type GradientRule,
  kernelCall,
  type OpenvinoDataReader,
  type OperationDefinition,
} from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { FormatError, ValidationError } from '../../errors.js';
import type { KernelAttributes, TensorType } from '../../kernels/contract.js';
import { checkOptions } from '../../options.js';
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat, requireRank } from '../checks.js';
import { type AutoPad, formatPads, parsePads, resolvePads } from './padding.js';
import { type Pair, pairOf, type RoundingType, requireImages, requireWindows, windowCount } from './spatial.js';

export interface MaxPoolAttributes {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly autoPad: AutoPad;
  readonly roundingType: RoundingType;
}

const ROUNDING_TYPES: readonly RoundingType[] = ['floor', 'ceil', 'ceil_torch'];

export function parseRounding(data: OpenvinoDataReader): RoundingType {
  const name = data.string('rounding_type', 'floor').toLowerCase();
  const rounding = ROUNDING_TYPES.find((candidate) => candidate === name);
  if (!rounding)
    throw new FormatError(
      'UNKNOWN_ROUNDING',
      `rounding_type '${name}' is not known; expected one of ${ROUNDING_TYPES.join(', ')}.`,
    );
  return rounding;
}

/** Output shape of a pool. */
export function pooledShape(where: string, x: TensorType, attributes: MaxPoolAttributes): number[] {
  requireFloat(where, x);
  requireRank(where, x, 4, 'the data');
  const { kernel, strides, dilations, roundingType } = attributes;
  const { padsBegin, padsEnd } = resolvePads(attributes, x.shape.slice(2), kernel);
  const spatial = x.shape
    .slice(2)
    .map((extent, axis) =>
      windowCount(
        extent,
        (kernel[axis] - 1) * dilations[axis] + 1,
        strides[axis],
        padsBegin[axis],
        padsEnd[axis],
        roundingType,
      ),
    );
  requireWindows(where, spatial, kernel, x.shape);
  return [...x.shape.slice(0, 2), ...spatial];
}

type Window = KernelAttributes['maxPool2d'];

/** The window with its pads in pixels. */
function windowOf(x: TensorType, attributes: MaxPoolAttributes): Window {
  const { kernel, strides, dilations } = attributes;
  return { kernel, strides, dilations, ...resolvePads(attributes, x.shape.slice(2), kernel) };
}

export const MAX_POOL = defineOperation<MaxPoolAttributes>({
  type: 'MaxPool',
  infer([x], attributes) {
    const shape = pooledShape('maxPool', x, attributes);
    return [
      { shape, dtype: x.dtype },
      { shape, dtype: 'int32' },
    ];
  },
  lower: ([x], attributes) => kernelCall('maxPool2d', windowOf(x, attributes)),
  saves: { outputs: [1] },
  quantization: { trait: 'quantizationAgnostic' },
  openvino: {
    opset: ({ roundingType }) => (roundingType === 'ceil_torch' ? 'opset14' : 'opset8'),
    data: (attributes) => ({
      strides: attributes.strides,
      dilations: attributes.dilations,
      ...formatPads(attributes),
      kernel: attributes.kernel,
      rounding_type: attributes.roundingType,
      index_element_type: 'i32',
      // Indices count within the image plane, as ours do.
      axis: 2,
    }),
    parse: (data) => ({
      kernel: data.numbers('kernel'),
      strides: data.numbers('strides'),
      dilations: data.numbers('dilations', [1, 1]),
      ...parsePads(data),
      roundingType: parseRounding(data),
    }),
  },
});

export const gradientOfMaxPool: GradientRule<MaxPoolAttributes> = (context, [g]) => [
  g &&
    applyOne(MAX_POOL_GRADIENT, [g, context.output(1)], {
      shape: context.inputTypes[0].shape,
      window: windowOf(context.inputTypes[0], context.attributes),
    }),
];

const MAX_POOL_GRADIENT: OperationDefinition<{ readonly shape: Shape; readonly window: Window }> = {
  type: 'MaxPoolGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower: (_inputs, { window }) => trainingCall('maxPool2dGradient', { window }),
};

export interface MaxPool2dOptions {
  /** Distance between windows. Default: the kernel size. */
  stride?: Pair;
  /** Pixels added on every side, which never win. At most half of the kernel. Default: 0. */
  padding?: Pair;
  /** Distance between the pixels of a window. Default: 1. */
  dilation?: Pair;
  /** Whether a last window counts that only partly fits. Default: false. */
  ceilMode?: boolean;
}

/** Checks a pool's padding: more than half a window could give windows without any pixel. */
export function poolPadding(value: Pair, kernel: readonly number[], where: string): number[] {
  const padding = pairOf(value, 0, where, 'padding');
  if (padding.some((pixels, axis) => pixels > kernel[axis] / 2)) {
    throw new ValidationError(
      'POOL_PADDING',
      `${where}: padding ${JSON.stringify(value)} is more than half of the kernel size ${JSON.stringify(kernel)}.`,
      {
        padding,
        kernel,
      },
    );
  }
  return padding;
}

function maxPoolAttributes(kernelSize: Pair, options: MaxPool2dOptions): MaxPoolAttributes {
  const kernel = pairOf(kernelSize, 1, 'maxPool2d', 'kernelSize');
  const padding = poolPadding(options.padding ?? 0, kernel, 'maxPool2d');
  return {
    kernel,
    strides: pairOf(options.stride ?? kernel, 1, 'maxPool2d', 'stride'),
    dilations: pairOf(options.dilation ?? 1, 1, 'maxPool2d', 'dilation'),
    padsBegin: padding,
    padsEnd: padding,
    autoPad: 'explicit',
    roundingType: options.ceilMode ? 'ceil_torch' : 'floor',
  };
}

/** The largest value of each window of x [N, C, H, W]. PyTorch's `max_pool2d`. */
export const maxPool2d = (x: Tensor, kernelSize: Pair, options: MaxPool2dOptions = {}): Tensor =>
  maxPool2dWithIndices(x, kernelSize, options).values;

/** As `maxPool2d`, with the flat position in the image plane of each maximum (int32). */
export function maxPool2dWithIndices(
  x: Tensor,
  kernelSize: Pair,
  options: MaxPool2dOptions = {},
): { values: Tensor; indices: Tensor } {
  checkOptions('maxPool2d', options, ['stride', 'padding', 'dilation', 'ceilMode']);
  requireImages('maxPool2d', x);
  const [values, indices] = apply(MAX_POOL, [x], maxPoolAttributes(kernelSize, options), gradientOfMaxPool);
  return { values, indices };
}
