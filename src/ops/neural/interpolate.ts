/** Interpolate: images resized by nearest neighbour or bilinear interpolation. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { ShapeError, ValidationError } from '../../errors.js';
import type { InterpolateAttributes as KernelAttributes } from '../../kernels/contract.js';
import { checkOptions } from '../../options.js';
import { DYNAMIC, formatShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat, requireRank } from '../checks.js';
import { type InterpolateAttributes, interpolateForm } from './interpolateForm.js';
import { type Pair, pairOf, requireImages } from './spatial.js';

function outputExtents({ shape }: { readonly shape: Shape }, { sizes, scales }: InterpolateAttributes): number[] {
  return shape.slice(2).map((extent, axis) => {
    if (sizes !== null) return sizes[axis];
    return extent === DYNAMIC ? DYNAMIC : Math.floor(extent * (scales as readonly number[])[axis]);
  });
}

function kernelAttributes(attributes: InterpolateAttributes, input: Shape, output: Shape): KernelAttributes {
  const { mode, coordinates, scales } = attributes;
  const steps = input.slice(2).map((extent, axis) => {
    const extentOut = output[axis + 2];
    // An axis that keeps its size is copied, whatever the factor was.
    if (extent === extentOut) return 1;
    if (coordinates === 'align_corners') return extentOut > 1 ? (extent - 1) / (extentOut - 1) : 0;
    return scales === null ? extent / extentOut : 1 / scales[axis];
  });
  return { mode, coordinates, steps };
}

export const INTERPOLATE = defineOperation<InterpolateAttributes>({
  type: 'Interpolate',
  infer([x], attributes) {
    requireFloat('interpolate', x);
    requireRank('interpolate', x, 4, 'the data');
    const extents = outputExtents(x, attributes);
    if (extents.some((extent, axis) => extent === 0 || x.shape[axis + 2] === 0)) {
      throw new ShapeError(
        'EMPTY_IMAGE',
        `interpolate: images of shape ${formatShape(x.shape)} cannot become ${formatShape(extents)} pixels.`,
        {
          data: x.shape,
          output: extents,
        },
      );
    }
    return [{ shape: [...x.shape.slice(0, 2), ...extents], dtype: x.dtype }];
  },
  lower: ([x], attributes, [y]) => kernelCall('interpolate', kernelAttributes(attributes, x.shape, y.shape)),
  saves: {},
  quantization: { trait: 'inputsQuantizable' },
  openvino: interpolateForm,
});

export const gradientOfInterpolate: GradientRule<InterpolateAttributes> = (context, [g]) => [
  g && applyOne(INTERPOLATE_GRADIENT, [g], { ...context.attributes, shape: context.inputTypes[0].shape }),
];

const INTERPOLATE_GRADIENT: OperationDefinition<InterpolateAttributes & { readonly shape: Shape }> = {
  type: 'InterpolateGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower: ([g], { shape, ...attributes }) =>
    trainingCall('interpolateGradient', kernelAttributes(attributes, shape, g.shape)),
};

export interface InterpolateOptions {
  /** Size of the output, one number for both axes or [y, x]. Either this or `scaleFactor`. */
  size?: Pair;
  /** Zoom factor, one number for both axes or [y, x]; the output has floor(factor * extent) pixels. */
  scaleFactor?: number | readonly number[];
  /** Default: `nearest`. `nearest-exact` takes the pixel whose centre is nearest; `nearest` its upper left neighbour. */
  mode?: 'nearest' | 'nearest-exact' | 'bilinear';
  /** For `bilinear`: whether the centres of the corner pixels, not their outer corners, stay in place. Default: false. */
  alignCorners?: boolean;
}

/**
 * The coordinate rule of each mode. PyTorch's bilinear is `half_pixel`: it does not make the exception for outputs of one
 * pixel that OpenVINO's `pytorch_half_pixel` is named after.
 */
function coordinatesOf(mode: InterpolateOptions['mode'], alignCorners: boolean): KernelAttributes['coordinates'] {
  if (mode === 'nearest') return 'asymmetric';
  return alignCorners ? 'align_corners' : 'half_pixel';
}

function factorsOf(scaleFactor: number | readonly number[], where: string): number[] {
  const factors = typeof scaleFactor === 'number' ? [scaleFactor, scaleFactor] : [...scaleFactor];
  if (factors.length !== 2 || !factors.every((factor) => Number.isFinite(factor) && factor > 0)) {
    throw new ValidationError(
      'BAD_SCALE_FACTOR',
      `${where}: scaleFactor is ${JSON.stringify(scaleFactor)}; give a positive number, or two as [y, x].`,
      { scaleFactor },
    );
  }
  return factors;
}

/** Checks the options. `where` begins the messages. */
export function interpolateAttributes(where: string, options: InterpolateOptions): InterpolateAttributes {
  checkOptions(where, options, ['size', 'scaleFactor', 'mode', 'alignCorners']);
  const { size, scaleFactor, mode = 'nearest', alignCorners = false } = options;
  if (!['nearest', 'nearest-exact', 'bilinear'].includes(mode)) {
    throw new ValidationError(
      'BAD_MODE',
      `${where}: mode '${mode}' is not known; use 'nearest', 'nearest-exact' or 'bilinear'.`,
      { mode },
    );
  }
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new ValidationError(
      'SIZE_OR_SCALE',
      `${where}: give either size or scaleFactor${size === undefined ? '' : ', not both'}.`,
    );
  }
  if (alignCorners && mode !== 'bilinear') {
    throw new ValidationError(
      'ALIGN_CORNERS',
      `${where}: alignCorners is an option of mode 'bilinear', not of '${mode}'.`,
      { mode },
    );
  }
  return {
    mode: mode === 'bilinear' ? 'linear' : 'nearest',
    coordinates: coordinatesOf(mode, alignCorners),
    sizes: size === undefined ? null : pairOf(size, 1, where, 'size'),
    scales: scaleFactor === undefined ? null : factorsOf(scaleFactor, where),
  };
}

/** Resizes images x [N, C, H, W]. PyTorch's `interpolate`, without antialiasing. */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const attributes = interpolateAttributes('interpolate', options);
  requireImages('interpolate', x);
  return applyOne(INTERPOLATE, [x], attributes, gradientOfInterpolate);
}
