/** Average pooling and its gradient: windows of one size, whose pads count or do not. */
import type { KernelAttributes } from '../../contract.js';
import type { ProgramWriter } from '../program.js';
import { type AverageAxis, averageWindows, spreadWindows } from './averaging.js';
import { splitIndex } from './source.js';

type Attributes = KernelAttributes['avgPool2d'];

function poolAxis(axis: 0 | 1, extent: number, outputs: number, attributes: Attributes): AverageAxis {
  const { excludePad } = attributes;
  const [kernel, stride, padBegin, padEnd] = [
    attributes.kernel,
    attributes.strides,
    attributes.padsBegin,
    attributes.padsEnd,
  ].map((values) => values[axis]);
  return {
    longest: Math.min(kernel, extent),
    // Windows may stick out of the padded image (the last one of a pool that rounds its output up); that is never counted.
    span: (output, begin, end, count) => `
      const ${begin}Padded = ${output} * ${stride} - ${padBegin};
      const ${end}Padded = Math.min(${begin}Padded + ${kernel}, ${extent + padEnd});
      const ${begin} = Math.min(Math.max(${begin}Padded, 0), ${extent});
      const ${end} = Math.max(${begin}, Math.min(${end}Padded, ${extent}));
      const ${count} = ${excludePad ? `${end} - ${begin}` : `Math.max(0, ${end}Padded - ${begin}Padded)`};`,
    most: Math.min(Math.ceil(kernel / stride), outputs),
    holder: (pixel, k, output) => ({
      declaration: `
        const ${output}Pixel = ${pixel} + ${padBegin};
        ${splitIndex(`${output}Pixel`, stride, `${output}Last`, `${output}Rest`)}
        const ${output} = Math.min(${output}Last, ${outputs - 1}) - ${k};`,
      condition: `${output} >= 0 && ${output}Pixel < ${output} * ${stride} + ${kernel}`,
    }),
  };
}

export const avgPool2d: ProgramWriter<'avgPool2d'> = ([x], attributes, [y]) =>
  averageWindows(
    poolAxis(0, x.shape[2], y.shape[2], attributes),
    poolAxis(1, x.shape[3], y.shape[3], attributes),
    x,
    y,
  );

export const avgPool2dGradient: ProgramWriter<'avgPool2dGradient'> = ([g], attributes, [dx]) =>
  spreadWindows(
    poolAxis(0, dx.shape[2], g.shape[2], attributes),
    poolAxis(1, dx.shape[3], g.shape[3], attributes),
    g,
    dx,
  );
