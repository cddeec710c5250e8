/**
 * Averages over the windows of a plane and their gradients, for any rule that gives each output of an
 * axis its span of pixels (avgPool2d.ts, adaptiveAvgPool2d.ts). The gradient is a gather: a pixel
 * collects from the windows that hold it. Windows are products of spans, so one that is too large for
 * one thread is taken in two launches, first along x, then along y.
 */
import type { TensorType } from '../../contract.js';
import { input, type Program, type StepArgument, sizeOf } from '../program.js';
import { SHORT_SUM } from './chunks.js';
import { MAX_LENGTH, splitIndex } from './source.js';

/** The spans along one axis. In the sources, `output` and `pixel` are names of variables that hold positions. */
export interface AverageAxis {
  /** Pixels of the longest span. */
  readonly longest: number;
  /** Declares `begin`, `end` and `count` of the span of `output`: begin <= pixel < end, counted as `count` pixels. */
  span(output: string, begin: string, end: string, count: string): string;
  /** Most spans that hold one pixel. */
  readonly most: number;
  /** Declares `output`, the k-th candidate among the spans that may hold `pixel`; `condition` tells whether it does. */
  holder(pixel: string, k: string, output: string): { readonly declaration: string; readonly condition: string };
}

/** A sum along one axis of an array [outer, extent, inner]: its result is [outer, outputs, inner]. */
interface AxisSum {
  readonly axis: AverageAxis;
  readonly extent: number;
  readonly outputs: number;
  readonly inner: number;
}

/** Declares `average`, `sum` / `count`, but 0 of nothing. */
const AVERAGE = `let average = 0;
    if (count > 0) { average = sum / count; }`;

/** Averages along one axis. */
const averageAlong = ({ axis, extent, outputs, inner }: AxisSum): string => `function (x) {
    ${splitIndex('this.thread.x', inner, 'outputOfAll', 'inside')}
    ${splitIndex('outputOfAll', outputs, 'outer', 'output')}
    ${axis.span('output', 'begin', 'end', 'count')}
    let sum = 0;
    for (let k = 0; k < ${axis.longest}; k++) {
      const pixel = begin + k;
      if (pixel < end) {
        sum = sum + x[(outer * ${extent} + pixel) * ${inner} + inside];
      }
    }
    ${AVERAGE}
    return average;
  }`;

/** The transpose of `averageAlong`. */
const spreadAlong = ({ axis, extent, outputs, inner }: AxisSum): string => {
  const holder = axis.holder('pixel', 'k', 'output');
  return `function (g) {
    ${splitIndex('this.thread.x', inner, 'pixelOfAll', 'inside')}
    ${splitIndex('pixelOfAll', extent, 'outer', 'pixel')}
    let sum = 0;
    for (let k = 0; k < ${axis.most}; k++) {
      ${holder.declaration}
      if (${holder.condition}) {
        ${axis.span('output', 'begin', 'end', 'count')}
        sum = sum + g[(outer * ${outputs} + output) * ${inner} + inside] / count;
      }
    }
    return sum;
  }`;
};

/** Averages over both axes at once. */
const averageBoth = (rows: AverageAxis, columns: AverageAxis, x: TensorType, y: TensorType): string => `function (x) {
    ${splitIndex('this.thread.x', y.shape[3], 'rowOfAll', 'outputX')}
    ${splitIndex('rowOfAll', y.shape[2], 'plane', 'outputY')}
    ${rows.span('outputY', 'beginY', 'endY', 'countY')}
    ${columns.span('outputX', 'beginX', 'endX', 'countX')}
    let sum = 0;
    for (let ky = 0; ky < ${rows.longest}; ky++) {
      const pixelY = beginY + ky;
      if (pixelY < endY) {
        const row = (plane * ${x.shape[2]} + pixelY) * ${x.shape[3]};
        for (let kx = 0; kx < ${columns.longest}; kx++) {
          const pixelX = beginX + kx;
          if (pixelX < endX) {
            sum = sum + x[row + pixelX];
          }
        }
      }
    }
    const count = countY * countX;
    ${AVERAGE}
    return average;
  }`;

/** The transpose of `averageBoth`. */
function spreadBoth(rows: AverageAxis, columns: AverageAxis, g: TensorType, dx: TensorType): string {
  const holderY = rows.holder('pixelY', 'ky', 'outputY');
  const holderX = columns.holder('pixelX', 'kx', 'outputX');
  return `function (g) {
    ${splitIndex('this.thread.x', dx.shape[3], 'rowOfAll', 'pixelX')}
    ${splitIndex('rowOfAll', dx.shape[2], 'plane', 'pixelY')}
    let sum = 0;
    for (let ky = 0; ky < ${rows.most}; ky++) {
      ${holderY.declaration}
      if (${holderY.condition}) {
        ${rows.span('outputY', 'beginY', 'endY', 'countY')}
        for (let kx = 0; kx < ${columns.most}; kx++) {
          ${holderX.declaration}
          if (${holderX.condition}) {
            ${columns.span('outputX', 'beginX', 'endX', 'countX')}
            sum = sum + g[(plane * ${g.shape[2]} + outputY) * ${g.shape[3]} + outputX] / (countY * countX);
          }
        }
      }
    }
    return sum;
  }`;
}

/** One launch over both axes, or two where a thread would have too much to add. */
export function inOneOrTwo(
  both: string,
  terms: number,
  length: number,
  first: { readonly source: string; readonly length: number },
  second: string,
): Program {
  const single: readonly StepArgument[] = [input(0)];
  if (terms <= SHORT_SUM || first.length >= MAX_LENGTH) {
    return { steps: [{ source: both, length, arguments: single }], outputs: [0] };
  }
  return {
    steps: [
      { ...first, arguments: single },
      { source: second, length, arguments: [{ step: 0 }] },
    ],
    outputs: [1],
  };
}

/** x [N, C, H, W] -> y [N, C, H', W']: the average over each window, 0 over an empty one. */
export function averageWindows(rows: AverageAxis, columns: AverageAxis, x: TensorType, y: TensorType): Program {
  const [batch, channels, height, width] = x.shape;
  const [, , outputHeight, outputWidth] = y.shape;
  return inOneOrTwo(
    averageBoth(rows, columns, x, y),
    rows.longest * columns.longest,
    sizeOf(y.shape),
    {
      source: averageAlong({ axis: columns, extent: width, outputs: outputWidth, inner: 1 }),
      length: batch * channels * height * outputWidth,
    },
    averageAlong({ axis: rows, extent: height, outputs: outputHeight, inner: outputWidth }),
  );
}

/** g [N, C, H', W'] -> dx [N, C, H, W], the transpose of `averageWindows`. */
export function spreadWindows(rows: AverageAxis, columns: AverageAxis, g: TensorType, dx: TensorType): Program {
  const [batch, channels, height, width] = dx.shape;
  const [, , outputHeight, outputWidth] = g.shape;
  return inOneOrTwo(
    spreadBoth(rows, columns, g, dx),
    rows.most * columns.most,
    sizeOf(dx.shape),
    {
      source: spreadAlong({ axis: columns, extent: width, outputs: outputWidth, inner: 1 }),
      length: batch * channels * outputHeight * width,
    },
    spreadAlong({ axis: rows, extent: height, outputs: outputHeight, inner: width }),
  );
}
