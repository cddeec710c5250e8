/**
 * Adaptive average pooling and its gradient: output i of an axis averages the pixels from floor(i E / O)
 * up to ceil((i + 1) E / O). All positions come from whole numbers, which float32 holds exactly.
 */
import type { Program, ProgramWriter } from '../program.js';
import { type AverageAxis, averageWindows, spreadWindows } from './averaging.js';
import { MAX_LENGTH, splitIndex } from './source.js';

/** Largest number of whole numbers that intervals of length `size`, beginning at multiples of it, touch. */
const mostTouched = (extent: number, outputs: number): number => {
  let most = 0;
  for (let output = 0; output < outputs; output++) {
    const begin = Math.floor((output * extent) / outputs);
    most = Math.max(most, Math.ceil(((output + 1) * extent) / outputs) - begin);
  }
  return most;
};

const adaptiveAxis = (extent: number, outputs: number): AverageAxis => ({
  longest: mostTouched(extent, outputs),
  span: (output, begin, end, count) => `
      ${splitIndex(`(${output} * ${extent})`, outputs, begin, `${begin}Rest`)}
      ${splitIndex(`(${output} * ${extent} + ${extent + outputs - 1})`, outputs, end, `${end}Rest`)}
      const ${count} = ${end} - ${begin};`,
  // Output o holds pixel p if floor(p O / E) <= o and o E < (p + 1) O: the same rule with the axes changed over.
  most: mostTouched(outputs, extent),
  holder: (pixel, k, output) => ({
    declaration: `
      ${splitIndex(`(${pixel} * ${outputs})`, extent, `${output}First`, `${output}Rest`)}
      const ${output} = ${output}First + ${k};`,
    condition: `${output} * ${extent} < (${pixel} + 1) * ${outputs}`,
  }),
});

/** Positions along an axis are counted in units of 1 / (extent * outputs), which must be exact in float32. */
const isExact = (pixels: readonly number[], outputs: readonly number[]): boolean =>
  [2, 3].every((axis) => (pixels[axis] + 1) * (outputs[axis] + 1) < MAX_LENGTH);

export const adaptiveAvgPool2d: ProgramWriter<'adaptiveAvgPool2d'> = ([x], _attributes, [y]): Program | undefined =>
  isExact(x.shape, y.shape)
    ? averageWindows(adaptiveAxis(x.shape[2], y.shape[2]), adaptiveAxis(x.shape[3], y.shape[3]), x, y)
    : undefined;

export const adaptiveAvgPool2dGradient: ProgramWriter<'adaptiveAvgPool2dGradient'> = (
  [g],
  _attributes,
  [dx],
): Program | undefined =>
  isExact(dx.shape, g.shape)
    ? spreadWindows(adaptiveAxis(dx.shape[2], g.shape[2]), adaptiveAxis(dx.shape[3], g.shape[3]), g, dx)
    : undefined;
