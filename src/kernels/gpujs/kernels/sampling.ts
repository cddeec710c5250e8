/**
 * Where the pixels of a resized axis come from, computed on the device exactly as the reference kernel
 * tells: a nearest pixel that is off by one would be wrong, however small the rounding error behind it.
 *
 * The coordinate of output p is p * step + offset. Mostly the step is a fraction of whole numbers that are
 * small enough for float32 to hold their products; then so is the coordinate. Else it is rounded: its whole
 * part is taken after adding a shift that puts all coordinates as far as can be from whole numbers. Outputs
 * for which that does not surely give the reference's pixel (hardly ever one) are named one by one.
 */
import type { InterpolateAttributes } from '../../contract.js';
import { inputCoordinate, samplesAlong } from '../../reference/interpolate.js';
import { MAX_LENGTH, splitIndex } from './source.js';

/** The samples along one axis. In the sources, `output`, `low` and the like are names of variables. */
export interface SampleAxis {
  readonly extent: number;
  readonly outputs: number;
  /** Whether an output is a mixture of two neighbouring pixels (of the last one alone at the end), or one pixel. */
  readonly mixes: boolean;
  /** Declares `low`, the first of the output's two pixels, and `weight`, the share of the second. */
  sample(output: string, low: string, weight: string): string;
  /** Declares `first`, the first output that may sample `pixel`; the others are among the `most` from there on. */
  first(pixel: string, first: string): string;
  readonly most: number;
}

/** A coordinate as a function of the output. */
interface Coordinate {
  /** Declares `whole` and `fraction`, whose sum is the coordinate of the variable `output`. */
  declare(output: string, whole: string, fraction: string): string;
  /** All whole parts that the device may find, given rounding. */
  wholes(output: number): readonly number[];
}

/** Largest denominator of a step. */
const LARGEST_DENOMINATOR = 4096;

/** Most outputs that are named one by one. */
const MOST_EXCEPTIONS = 32;

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-9;

/** The coordinate in whole numbers: in units of half a pixel over the step's denominator. Undefined if they are too large. */
function exactCoordinate(step: number, offset: number, outputs: number): Coordinate | undefined {
  let denominator = 1;
  while (denominator <= LARGEST_DENOMINATOR && !(isWhole(denominator * step) && isWhole(2 * denominator * offset))) {
    denominator++;
  }
  const unit = 2 * denominator;
  const [slope, start] = [step, offset].map((value) => Math.round(unit * value));
  if (denominator > LARGEST_DENOMINATOR || Math.abs(start) + slope * outputs >= MAX_LENGTH) {
    return undefined;
  }
  return {
    declare: (output, whole, fraction) => `
      ${splitIndex(`(${output} * ${slope} + ${start})`, unit, whole, `${fraction}Units`)}
      const ${fraction} = ${fraction}Units / ${unit};`,
    wholes: (output) => [Math.floor((output * slope + start) / unit)],
  };
}

/** What float32 may be off by, in a coordinate of this size: eight roundings. */
const roundingError = (coordinate: number): number => (Math.abs(coordinate) + 1) * 2 ** -20;

function roundedCoordinate(step: number, offset: number, outputs: number): Coordinate {
  let [lowest, highest] = [1, 0];
  for (let output = 0; output < outputs; output++) {
    const coordinate = output * step + offset;
    const fraction = coordinate - Math.floor(coordinate);
    lowest = Math.min(lowest, fraction);
    highest = Math.max(highest, fraction);
  }
  const shift = (1 - highest - lowest) / 2;
  return {
    declare: (output, whole, fraction) => `
      const ${output}At = ${output} * ${step} + ${offset};
      const ${whole} = Math.floor(${output}At + ${shift});
      const ${fraction} = ${output}At - ${whole};`,
    wholes: (output) => {
      const coordinate = output * step + offset;
      const error = roundingError(coordinate);
      return [coordinate + shift - error, coordinate + shift + error].map(Math.floor);
    },
  };
}

/** The samples of an axis (0: y, 1: x); undefined if too many outputs would have to be named. */
export function sampleAxis(
  axis: 0 | 1,
  extent: number,
  outputs: number,
  attributes: InterpolateAttributes,
): SampleAxis | undefined {
  const { mode, coordinates } = attributes;
  const step = attributes.steps[axis];
  const samples = samplesAlong(axis, extent, outputs, attributes);
  // The nearest pixel is the whole part: of an asymmetric coordinate itself, of others with half a pixel added.
  const added = mode === 'nearest' && coordinates !== 'asymmetric' ? 0.5 : 0;
  const offset = inputCoordinate(coordinates, 0, step, outputs) + added;
  const coordinate = exactCoordinate(step, offset, outputs) ?? roundedCoordinate(step, offset, outputs);
  const exceptions = samples.flatMap(({ low }, output) =>
    coordinate.wholes(output).every((whole) => Math.min(Math.max(whole, 0), extent - 1) === low)
      ? []
      : [{ output, low }],
  );
  if (exceptions.length > MOST_EXCEPTIONS) {
    return undefined;
  }

  const sample: SampleAxis['sample'] = (output, low, weight) => `
      ${coordinate.declare(output, `${output}Whole`, `${output}Fraction`)}
      let ${low} = Math.min(Math.max(${output}Whole, 0), ${extent - 1});
      ${exceptions.map((each) => `if (${output} === ${each.output}) { ${low} = ${each.low}; }`).join('\n      ')}
      ${
        mode === 'nearest'
          ? `const ${weight} = 0;`
          : `let ${weight} = Math.min(Math.max(${output}Whole - ${low} + ${output}Fraction, 0), 1);
      if (${low} >= ${extent - 1}) { ${weight} = 0; }`
      }`;

  // For each pixel the outputs that sample it: those whose first pixel it is, or, with two pixels, the one before it.
  const firsts: number[] = [];
  const lasts: number[] = [];
  samples.forEach(({ low, high }, output) => {
    for (const pixel of [low, high]) {
      firsts[pixel] ??= output;
      lasts[pixel] = output;
    }
  });
  const perPixel = step > 0 ? Math.min(1 / step, outputs) : 0;
  const sampled = Object.keys(firsts).map(Number);
  // Rounding may move the estimate by one, never past the first output.
  const lead = sampled.reduce((most, pixel) => Math.max(most, pixel * perPixel - firsts[pixel]), 0) + 1;
  const most = sampled.reduce((count, pixel) => Math.max(count, lasts[pixel] - (pixel * perPixel - lead) + 2), 1);
  return {
    extent,
    outputs,
    mixes: mode === 'linear',
    sample,
    first: (pixel, first) => `const ${first} = Math.floor(${pixel} * ${perPixel} - ${lead});`,
    most: Math.min(Math.ceil(most), outputs + Math.ceil(lead) + 2),
  };
}
