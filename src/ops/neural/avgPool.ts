/**
 * AvgPool: the mean of each window. The operation divides as OpenVINO does, `avgPool2d` as PyTorch does.
 * They differ where windows reach beyond the padding (ceil mode) and padding counts: OpenVINO divides by
 * the whole window, PyTorch by the part of it inside the padded image.
 */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { ShapeError } from '../../errors.js';
import type { Pool2dAttributes } from '../../kernels/contract.js';
import { checkOptions } from '../../options.js';
import { formatShape, isStatic, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { pad } from '../movement/pad.js';
import { type MaxPoolAttributes, parseRounding, pooledShape, poolPadding } from './maxPool.js';
import { formatPads, parsePads, resolvePads } from './padding.js';
import { type Pair, pairOf, requireImages } from './spatial.js';

export interface AvgPoolAttributes extends Omit<MaxPoolAttributes, 'dilations'> {
  /** Whether the divisor counts pixels of the image only. */
  readonly excludePad: boolean;
}

const dense = (attributes: AvgPoolAttributes): MaxPoolAttributes => ({ ...attributes, dilations: [1, 1] });

/** Kernel attributes under which the kernel divides as OpenVINO does. */
function kernelAttributes(
  attributes: AvgPoolAttributes,
  spatial: Shape,
  output: Shape,
): Pool2dAttributes & { readonly excludePad: boolean } {
  const { kernel, strides, excludePad } = attributes;
  const { padsBegin, padsEnd } = resolvePads(dense(attributes), spatial, kernel);
  const padded = padsBegin.some((pixels) => pixels > 0) || padsEnd.some((pixels) => pixels > 0);
  // With any padding that counts, all of the last window counts: extend the padding up to its end.
  const ends = padsEnd.map((pixels, axis) =>
    Math.max(pixels, (output[axis] - 1) * strides[axis] + kernel[axis] - padsBegin[axis] - spatial[axis]),
  );
  return { kernel, strides, padsBegin, padsEnd: padded && !excludePad ? ends : padsEnd, excludePad };
}

export const AVG_POOL = defineOperation<AvgPoolAttributes>({
  type: 'AvgPool',
  infer: ([x], attributes) => [{ shape: pooledShape('avgPool', x, dense(attributes)), dtype: x.dtype }],
  lower: ([x], attributes, [y]) =>
    kernelCall('avgPool2d', kernelAttributes(attributes, x.shape.slice(2), y.shape.slice(2))),
  saves: {},
  quantization: { trait: 'inputsQuantizable' },
  openvino: {
    opset: ({ roundingType }) => (roundingType === 'ceil_torch' ? 'opset14' : 'opset1'),
    data: (attributes) => ({
      kernel: attributes.kernel,
      strides: attributes.strides,
      ...formatPads(attributes),
      'exclude-pad': attributes.excludePad,
      rounding_type: attributes.roundingType,
    }),
    parse: (data) => ({
      kernel: data.numbers('kernel'),
      strides: data.numbers('strides'),
      ...parsePads(data),
      roundingType: parseRounding(data),
      excludePad: data.boolean('exclude-pad'),
    }),
  },
});

export const gradientOfAvgPool: GradientRule<AvgPoolAttributes> = (context, [g]) => [
  g && applyOne(AVG_POOL_GRADIENT, [g], { ...context.attributes, shape: context.inputTypes[0].shape }),
];

const AVG_POOL_GRADIENT: OperationDefinition<AvgPoolAttributes & { readonly shape: Shape }> = {
  type: 'AvgPoolGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower: ([g], { shape, ...attributes }) =>
    trainingCall('avgPool2dGradient', kernelAttributes(attributes, shape.slice(2), g.shape.slice(2))),
};

export interface AvgPool2dOptions {
  /** Distance between windows. Default: the kernel size. */
  stride?: Pair;
  /** Zeros added on every side. At most half of the kernel. Default: 0. */
  padding?: Pair;
  /** Whether a last window counts that only partly fits. Default: false. */
  ceilMode?: boolean;
  /** Whether the divisor counts the padding. Default: true. */
  countIncludePad?: boolean;
}

/** The mean of each window of x [N, C, H, W]. PyTorch's `avg_pool2d`. */
export function avgPool2d(x: Tensor, kernelSize: Pair, options: AvgPool2dOptions = {}): Tensor {
  checkOptions('avgPool2d', options, ['stride', 'padding', 'ceilMode', 'countIncludePad']);
  requireImages('avgPool2d', x);
  const kernel = pairOf(kernelSize, 1, 'avgPool2d', 'kernelSize');
  const padding = poolPadding(options.padding ?? 0, kernel, 'avgPool2d');
  const attributes: AvgPoolAttributes = {
    kernel,
    strides: pairOf(options.stride ?? kernel, 1, 'avgPool2d', 'stride'),
    padsBegin: padding,
    padsEnd: padding,
    autoPad: 'explicit',
    roundingType: options.ceilMode ? 'ceil_torch' : 'floor',
    excludePad: options.countIncludePad === false,
  };
  const divisorsDiffer = options.ceilMode && !attributes.excludePad && padding.some((pixels) => pixels > 0);
  return divisorsDiffer ? padThenAverage(x, attributes) : applyOne(AVG_POOL, [x], attributes, gradientOfAvgPool);
}

/** With the zeros made part of the image, excluding what lies beyond gives PyTorch's divisor. */
function padThenAverage(x: Tensor, attributes: AvgPoolAttributes): Tensor {
  const { kernel, strides, padsBegin, padsEnd } = attributes;
  const spatial = x.shape.slice(2);
  if (!isStatic(spatial)) {
    throw new ShapeError(
      'DYNAMIC_PADDING',
      `avgPool2d: ceilMode with padding that counts needs a known image size, but the data has shape ${formatShape(x.shape)}.`,
    );
  }
  const windows = pooledShape('avgPool2d', x, dense(attributes)).slice(2);
  // Where a window that would start in the padding after the image was dropped, only pad as far as the last one reaches.
  const ends = padsEnd.map((pixels, axis) => {
    const reach = (windows[axis] - 1) * strides[axis] + kernel[axis] - padsBegin[axis] - spatial[axis];
    return Math.max(0, Math.min(pixels, reach));
  });
  const padded = pad(x, [0, 0, ...padsBegin], [0, 0, ...ends]);
  return applyOne(
    AVG_POOL,
    [padded],
    { ...attributes, padsBegin: [0, 0], padsEnd: [0, 0], excludePad: true },
    gradientOfAvgPool,
  );
}
