/** Interpolate's attributes, and how it stands in OpenVINO IR: written as opset11, read as opset4 and opset11. */
import type { OpenvinoConstant, OpenvinoDataReader, OpenvinoForm } from '../../autograd/operation.js';
import { FormatError, UnsupportedError } from '../../errors.js';
import type { InterpolateAttributes as KernelAttributes } from '../../kernels/contract.js';

export interface InterpolateAttributes {
  readonly mode: KernelAttributes['mode'];
  /** How an output coordinate maps to an input coordinate, by OpenVINO's names. */
  readonly coordinates: KernelAttributes['coordinates'];
  /** [y, x] of the output; or null where `scales` are given. */
  readonly sizes: readonly number[] | null;
  /** Zoom factors [y, x]; the output has floor(factor * extent) pixels. */
  readonly scales: readonly number[] | null;
}

const IMAGE_AXES = [2, 3];

const integers = (values: readonly number[]): OpenvinoConstant => ({
  elementType: 'i64',
  shape: [values.length],
  values,
});

function parseMode(data: OpenvinoDataReader): Pick<InterpolateAttributes, 'mode' | 'coordinates'> {
  const mode = data.string('mode').toLowerCase();
  const coordinates = data.string('coordinate_transformation_mode', 'half_pixel').toLowerCase();
  if (data.boolean('antialias', false))
    throw new UnsupportedError('INTERPOLATE_MODE', 'Interpolate with antialias is not supported.');
  if ([...data.numbers('pads_begin', []), ...data.numbers('pads_end', [])].some((pixels) => pixels !== 0)) {
    throw new UnsupportedError('INTERPOLATE_PADS', 'Interpolate with padding is not supported.');
  }
  const known = ['half_pixel', 'pytorch_half_pixel', 'asymmetric', 'align_corners'].includes(coordinates);
  if ((mode === 'linear_onnx' || mode === 'linear') && known)
    return { mode: 'linear', coordinates: coordinates as KernelAttributes['coordinates'] };
  if (mode === 'nearest') {
    const rounding = data.string('nearest_mode', 'round_prefer_floor').toLowerCase();
    if (coordinates === 'asymmetric' && rounding === 'floor') return { mode, coordinates };
    // floor((x + 0.5) step) is the half-pixel coordinate, rounded with halves up.
    if (coordinates === 'tf_half_pixel_for_nn' && rounding === 'floor') return { mode, coordinates: 'half_pixel' };
    if (coordinates !== 'asymmetric' && known && rounding === 'round_prefer_ceil')
      return { mode, coordinates: coordinates as KernelAttributes['coordinates'] };
    throw new UnsupportedError(
      'INTERPOLATE_MODE',
      `Interpolate: mode nearest with coordinates ${coordinates} and nearest_mode ${rounding} is not supported.`,
    );
  }
  throw new UnsupportedError(
    'INTERPOLATE_MODE',
    `Interpolate: mode ${mode} with coordinates ${coordinates} is not supported.`,
  );
}

/** Whether the second of two constants is the list of axes, and not opset4's factors, of which there are as many as axes. */
const areAxes = (values: readonly number[]): boolean =>
  values.length < 4 ||
  (values.every((value) => Number.isInteger(value)) && new Set(values.map((axis) => (axis + 4) % 4)).size === 4);

/** The two image axes' values of a list over `axes`. */
function imagePart(values: readonly number[], axes: readonly number[]): number[] {
  return IMAGE_AXES.map((axis) => {
    const position = axes.findIndex((each) => (each + 4) % 4 === axis);
    if (position < 0 || position >= values.length)
      throw new FormatError(
        'INTERPOLATE_AXES',
        `Interpolate: axes ${JSON.stringify(axes)} and ${JSON.stringify(values)} do not give both image axes of [N, C, H, W].`,
      );
    return values[position];
  });
}

export const interpolateForm: OpenvinoForm<InterpolateAttributes> = {
  opset: () => 'opset11',
  data: ({ mode, coordinates, sizes }) => ({
    mode: mode === 'linear' ? 'linear_onnx' : 'nearest',
    shape_calculation_mode: sizes === null ? 'scales' : 'sizes',
    coordinate_transformation_mode: coordinates,
    nearest_mode: coordinates === 'asymmetric' ? 'floor' : 'round_prefer_ceil',
    antialias: false,
    pads_begin: [0],
    pads_end: [0],
    cube_coeff: -0.75,
  }),
  constants: ({ sizes, scales }) => [
    sizes === null ? { elementType: 'f32', shape: [2], values: scales as readonly number[] } : integers(sizes),
    integers(IMAGE_AXES),
  ],
  tensorInputs: 1,
  parse(data, constants) {
    // opset11: sizes or scales, [axes]; opset4: sizes, scales, [axes].
    const last = constants[constants.length - 1];
    const hasAxes = constants.length === 3 || (constants.length === 2 && areAxes(last));
    const axes = hasAxes ? last : [0, 1, 2, 3];
    const bySize = data.string('shape_calculation_mode').toLowerCase() === 'sizes';
    const target = constants.length - Number(hasAxes) === 2 ? constants[bySize ? 0 : 1] : constants[0];
    const part = imagePart(target, axes);
    return { ...parseMode(data), sizes: bySize ? part : null, scales: bySize ? null : part };
  },
};
