/**
 * The convolution family: Convolution, ConvolutionBackpropData (transposed convolution), their grouped
 * forms, and the filter gradient. The first two are each other's data gradient, so they share a file.
 * Filters: [O, C, kh, kw] for Convolution, [G, O/G, C/G, kh, kw] for GroupConvolution,
 * [C, O, kh, kw] and [G, C/G, O/G, kh, kw] for the transposed ones, as OpenVINO has them.
 */
import { applyOne } from '../../autograd/dispatch.js';
import {
  defineOperation,
  type GradientRule,
  kernelCall,
  type OpenvinoDataReader,
  type OperationDefinition,
} from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { ShapeError } from '../../errors.js';
import type { Conv2dAttributes, TensorType } from '../../kernels/contract.js';
import { DYNAMIC, formatShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat, requireRank, requireSameDType } from '../checks.js';
import { type AutoPad, formatPads, parsePads, resolvePads } from './padding.js';

export interface ConvolutionAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly autoPad: AutoPad;
}

export interface ConvolutionBackpropAttributes extends ConvolutionAttributes {
  readonly outputPadding: readonly number[];
}

/** Filters of either kind as [rows, columns, kh, kw] with the group count taken out. */
function filterShape(
  filters: TensorType,
  grouped: boolean,
): { groups: number; first: number; second: number; kernel: number[]; flat: number[] } {
  const [groups, first, second, ...kernel] = grouped ? filters.shape : [1, ...filters.shape];
  return { groups, first, second, kernel, flat: [groups * first, second, ...kernel] };
}

const spatialOutput = (input: number, kernel: number, stride: number, dilation: number, pads: number): number =>
  input === DYNAMIC ? DYNAMIC : Math.floor((input + pads - (kernel - 1) * dilation - 1) / stride) + 1;

function checkOperands(type: string, [data, filters]: readonly TensorType[], grouped: boolean): void {
  requireFloat(type, data, filters);
  requireSameDType(type, data, filters);
  requireRank(type, data, 4, 'the data');
  requireRank(type, filters, grouped ? 5 : 4, 'the filters');
}

function requireChannels(type: string, data: TensorType, expected: number, filters: TensorType): void {
  if (data.shape[1] !== DYNAMIC && data.shape[1] !== expected) {
    throw new ShapeError(
      'CHANNEL_MISMATCH',
      `${type}: the data of shape ${formatShape(data.shape)} has ${data.shape[1]} channels, but the filters of shape ${formatShape(filters.shape)} take ${expected}.`,
      { data: data.shape, filters: filters.shape },
    );
  }
}

/** Kernel attributes of a convolution with these attributes on an input of this spatial size. */
function kernelAttributes(
  attributes: ConvolutionAttributes,
  spatial: Shape,
  kernel: Shape,
  groups: number,
): Conv2dAttributes {
  const { padsBegin, padsEnd } = resolvePads(attributes, spatial, kernel);
  return { strides: attributes.strides, dilations: attributes.dilations, padsBegin, padsEnd, groups };
}

function convolutionOutput(
  type: string,
  inputs: readonly TensorType[],
  attributes: ConvolutionAttributes,
  grouped: boolean,
): number[] {
  const [data, filters] = inputs;
  checkOperands(type, inputs, grouped);
  const { groups, first, second, kernel } = filterShape(filters, grouped);
  requireChannels(type, data, groups * second, filters);
  const { padsBegin, padsEnd } = resolvePads(attributes, data.shape.slice(2), kernel);
  const spatial = data.shape.slice(2).map((extent, axis) => {
    const size = spatialOutput(
      extent,
      kernel[axis],
      attributes.strides[axis],
      attributes.dilations[axis],
      padsBegin[axis] + padsEnd[axis],
    );
    if (extent !== DYNAMIC && size < 1) {
      throw new ShapeError(
        'KERNEL_TOO_LARGE',
        `${type}: a kernel of ${formatShape(kernel)} with dilation ${attributes.dilations} does not fit into the padded data of shape ${formatShape(data.shape)}.`,
      );
    }
    return size;
  });
  return [data.shape[0], groups * first, ...spatial];
}

const parseConvolution = (data: OpenvinoDataReader): ConvolutionAttributes => ({
  strides: data.numbers('strides'),
  dilations: data.numbers('dilations', [1, 1]),
  ...parsePads(data),
});

const formatConvolution = (attributes: ConvolutionAttributes) => ({
  strides: attributes.strides,
  dilations: attributes.dilations,
  ...formatPads(attributes),
});

function defineConvolution(type: string, grouped: boolean): OperationDefinition<ConvolutionAttributes> {
  return defineOperation<ConvolutionAttributes>({
    type,
    infer: (inputs, attributes) => [
      { shape: convolutionOutput(type, inputs, attributes, grouped), dtype: inputs[0].dtype },
    ],
    lower([data, filters], attributes) {
      const { groups, kernel, flat } = filterShape(filters, grouped);
      return kernelCall('conv2d', kernelAttributes(attributes, data.shape.slice(2), kernel, groups), {
        inputShapes: [data.shape, flat],
      });
    },
    saves: { inputs: [0, 1] },
    quantization: { trait: 'inputsQuantizable', weights: { port: 1, channelAxis: () => 0 } },
    openvino: { opset: () => 'opset1', data: formatConvolution, parse: parseConvolution },
  });
}

function defineBackprop(type: string, grouped: boolean): OperationDefinition<ConvolutionBackpropAttributes> {
  return defineOperation<ConvolutionBackpropAttributes>({
    type,
    infer(inputs, attributes) {
      const [data, filters] = inputs;
      checkOperands(type, inputs, grouped);
      const { groups, first, second, kernel } = filterShape(filters, grouped);
      requireChannels(type, data, groups * first, filters);
      const { strides, dilations, padsBegin, padsEnd, outputPadding } = attributes;
      const spatial = data.shape.slice(2).map((extent, axis) => {
        if (extent === DYNAMIC) return DYNAMIC;
        const size =
          strides[axis] * (extent - 1) +
          (kernel[axis] - 1) * dilations[axis] +
          1 -
          padsBegin[axis] -
          padsEnd[axis] +
          outputPadding[axis];
        if (size < 1)
          throw new ShapeError(
            'EMPTY_OUTPUT',
            `${type}: the padding leaves no output for data of shape ${formatShape(data.shape)} and filters of shape ${formatShape(filters.shape)}.`,
          );
        return size;
      });
      return [{ shape: [data.shape[0], groups * second, ...spatial], dtype: data.dtype }];
    },
    lower([data, filters], attributes) {
      const { groups, flat } = filterShape(filters, grouped);
      const { strides, dilations, padsBegin, padsEnd } = attributes;
      return kernelCall(
        'conv2dInputGradient',
        { strides, dilations, padsBegin, padsEnd, groups },
        { inputShapes: [data.shape, flat] },
      );
    },
    saves: { inputs: [0, 1] },
    quantization: { trait: 'inputsQuantizable', weights: { port: 1, channelAxis: () => 1 } },
    openvino: {
      opset: () => 'opset1',
      data: (attributes) => ({ ...formatConvolution(attributes), output_padding: attributes.outputPadding }),
      parse: (data) => ({ ...parseConvolution(data), outputPadding: data.numbers('output_padding', [0, 0]) }),
    },
  });
}

export const CONVOLUTION = defineConvolution('Convolution', false);
export const GROUP_CONVOLUTION = defineConvolution('GroupConvolution', true);
export const CONVOLUTION_BACKPROP = defineBackprop('ConvolutionBackpropData', false);
export const GROUP_CONVOLUTION_BACKPROP = defineBackprop('GroupConvolutionBackpropData', true);

interface FilterGradientAttributes extends ConvolutionAttributes {
  readonly filters: Shape;
  readonly grouped: boolean;
}

/** The gradient of the filters. Internal: it occurs in backward passes only. */
const FILTER_GRADIENT: OperationDefinition<FilterGradientAttributes> = {
  type: 'ConvolutionBackpropFilter',
  infer: ([data], { filters }) => [{ shape: filters, dtype: data.dtype }],
  lower([data], attributes) {
    const { groups, kernel, flat } = filterShape({ shape: attributes.filters, dtype: data.dtype }, attributes.grouped);
    return trainingCall('conv2dFilterGradient', kernelAttributes(attributes, data.shape.slice(2), kernel, groups), {
      outputShapes: [flat],
    });
  },
};

const filterGradient = (
  data: Tensor,
  gradient: Tensor,
  filters: Shape,
  attributes: ConvolutionAttributes,
  grouped: boolean,
): Tensor => applyOne(FILTER_GRADIENT, [data, gradient], { ...attributes, filters, grouped });

/** Grouped filters have an axis for the groups. */
const isGrouped = (filters: TensorType): boolean => filters.shape.length === 5;

/** Of Convolution and GroupConvolution. */
export const gradientOfConvolution: GradientRule<ConvolutionAttributes> = (context, [g]) => {
  if (!g) return [null, null];
  const [data, filters] = context.inputTypes;
  const grouped = isGrouped(filters);
  const { kernel } = filterShape(filters, grouped);
  const pads = resolvePads(context.attributes, data.shape.slice(2), kernel);
  const explicit: ConvolutionAttributes = { ...context.attributes, ...pads, autoPad: 'explicit' };
  // What the floor in the output size cut off comes back as output padding.
  const outputPadding = data.shape.slice(2).map((extent, axis) => {
    const covered = (kernel[axis] - 1) * explicit.dilations[axis] + 1 - pads.padsBegin[axis] - pads.padsEnd[axis];
    return extent - (g.shape[axis + 2] - 1) * explicit.strides[axis] - covered;
  });
  return [
    context.needs(0)
      ? applyOne(grouped ? GROUP_CONVOLUTION_BACKPROP : CONVOLUTION_BACKPROP, [g, context.input(1)], {
          ...explicit,
          outputPadding,
        })
      : null,
    context.needs(1) ? filterGradient(context.input(0), g, filters.shape, explicit, grouped) : null,
  ];
};

/** Of ConvolutionBackpropData and GroupConvolutionBackpropData. */
export const gradientOfConvolutionBackprop: GradientRule<ConvolutionBackpropAttributes> = (context, [g]) => {
  if (!g) return [null, null];
  const [, filters] = context.inputTypes;
  const grouped = isGrouped(filters);
  const { outputPadding: _cut, ...attributes } = context.attributes;
  return [
    context.needs(0) ? applyOne(grouped ? GROUP_CONVOLUTION : CONVOLUTION, [g, context.input(1)], attributes) : null,
    context.needs(1) ? filterGradient(g, context.input(0), filters.shape, attributes, grouped) : null,
  ];
};
