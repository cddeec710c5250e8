/** Resizing by nearest neighbour or bilinear interpolation, and its gradient as a gather over the outputs around a pixel. */
import type { InterpolateAttributes } from '../../contract.js';
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { inOneOrTwo } from './averaging.js';
import { type SampleAxis, sampleAxis } from './sampling.js';
import { splitIndex } from './source.js';

function sampleAxes(
  input: readonly number[],
  output: readonly number[],
  attributes: InterpolateAttributes,
): { readonly rows: SampleAxis; readonly columns: SampleAxis } | undefined {
  const rows = sampleAxis(0, input[2], output[2], attributes);
  const columns = sampleAxis(1, input[3], output[3], attributes);
  return rows && columns && { rows, columns };
}

export const interpolate: ProgramWriter<'interpolate'> = ([x], attributes, [y]) => {
  const axes = sampleAxes(x.shape, y.shape, attributes);
  if (axes === undefined) {
    return undefined;
  }
  const { rows, columns } = axes;
  const nearest = 'x[rowLow + columnLow]';
  const upper = 'x[rowLow + columnLow] * (1 - columnWeight) + x[rowLow + columnHigh] * columnWeight';
  const lower = 'x[rowHigh + columnLow] * (1 - columnWeight) + x[rowHigh + columnHigh] * columnWeight';
  const source = `function (x) {
    ${splitIndex('this.thread.x', columns.outputs, 'rowOfAll', 'outputX')}
    ${splitIndex('rowOfAll', rows.outputs, 'plane', 'outputY')}
    ${rows.sample('outputY', 'line', 'lineWeight')}
    ${columns.sample('outputX', 'columnLow', 'columnWeight')}
    const rowLow = (plane * ${rows.extent} + line) * ${columns.extent};
    const rowHigh = (plane * ${rows.extent} + Math.min(line + 1, ${rows.extent - 1})) * ${columns.extent};
    const columnHigh = Math.min(columnLow + 1, ${columns.extent - 1});
    return ${attributes.mode === 'nearest' ? nearest : `(${upper}) * (1 - lineWeight) + (${lower}) * lineWeight`};
  }`;
  return singleStep(source, [x], sizeOf(y.shape));
};

/**
 * Runs `body` for every output along an axis that samples the pixel, with `share`, what the pixel has in that output.
 * Variables are named after `name`.
 */
const overOutputs = (axis: SampleAxis, name: string, body: string): string => `
    ${axis.first(`${name}Pixel`, `${name}First`)}
    for (let ${name}K = 0; ${name}K < ${axis.most}; ${name}K++) {
      const ${name} = ${name}First + ${name}K;
      if (${name} >= 0 && ${name} < ${axis.outputs}) {
        ${axis.sample(name, `${name}Low`, `${name}Weight`)}
        let ${name}Share = 0;
        let ${name}Samples = 0;
        if (${name}Low === ${name}Pixel) { ${name}Samples = 1; ${name}Share = 1 - ${name}Weight; }
        ${
          axis.mixes
            ? `if (Math.min(${name}Low + 1, ${axis.extent - 1}) === ${name}Pixel) {
          ${name}Samples = 1;
          ${name}Share = ${name}Share + ${name}Weight;
        }`
            : ''
        }
        if (${name}Samples > 0.5) {
          ${body}
        }
      }
    }`;

/** The gradient along one axis of an array [outer, outputs, inner]: its result is [outer, extent, inner]. */
const spreadAlong = (axis: SampleAxis, inner: number): string => `function (g) {
    ${splitIndex('this.thread.x', inner, 'pixelOfAll', 'inside')}
    ${splitIndex('pixelOfAll', axis.extent, 'outer', 'outputPixel')}
    let sum = 0;
    ${overOutputs(axis, 'output', `sum = sum + g[(outer * ${axis.outputs} + output) * ${inner} + inside] * outputShare;`)}
    return sum;
  }`;

const spreadBoth = (rows: SampleAxis, columns: SampleAxis): string => `function (g) {
    ${splitIndex('this.thread.x', columns.extent, 'rowOfAll', 'outputXPixel')}
    ${splitIndex('rowOfAll', rows.extent, 'plane', 'outputYPixel')}
    let sum = 0;
    ${overOutputs(
      rows,
      'outputY',
      `const row = (plane * ${rows.outputs} + outputY) * ${columns.outputs};
      ${overOutputs(columns, 'outputX', 'sum = sum + g[row + outputX] * outputYShare * outputXShare;')}`,
    )}
    return sum;
  }`;

export const interpolateGradient: ProgramWriter<'interpolateGradient'> = ([g], attributes, [dx]) => {
  const axes = sampleAxes(dx.shape, g.shape, attributes);
  if (axes === undefined) {
    return undefined;
  }
  const { rows, columns } = axes;
  return inOneOrTwo(
    spreadBoth(rows, columns),
    rows.most * columns.most,
    sizeOf(dx.shape),
    {
      source: spreadAlong(columns, 1),
      length: (sizeOf(g.shape) / columns.outputs) * columns.extent,
    },
    spreadAlong(rows, columns.extent),
  );
};
