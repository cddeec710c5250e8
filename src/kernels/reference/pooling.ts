/** Two-dimensional maximum and average pooling with their gradients, over [N, C, H, W]. */
import type { KernelAttributes } from '../contract.js';
import type { HostOperand, ReferenceKernel } from './kernel.js';

/** Values, and for each the flat position in its H * W plane; -1 (value -inf) where a window sees padding only. */
export const maxPool2d: ReferenceKernel<'maxPool2d'> = (
  [x],
  { kernel, strides, padsBegin, dilations },
  [values, indices],
) => {
  const [batch, channels, height, width] = x.shape;
  const [, , outputHeight, outputWidth] = values.shape;
  const input = x.values;
  let write = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    const start = plane * height * width;
    for (let outputY = 0; outputY < outputHeight; outputY++) {
      const top = outputY * strides[0] - padsBegin[0];
      for (let outputX = 0; outputX < outputWidth; outputX++) {
        const left = outputX * strides[1] - padsBegin[1];
        let best = Number.NEGATIVE_INFINITY;
        let position = -1;
        for (let ky = 0; ky < kernel[0]; ky++) {
          const row = top + ky * dilations[0];
          if (row < 0 || row >= height) {
            continue;
          }
          for (let kx = 0; kx < kernel[1]; kx++) {
            const column = left + kx * dilations[1];
            if (column < 0 || column >= width) {
              continue;
            }
            const value = input[start + row * width + column];
            // A NaN replaces any number, and nothing replaces a NaN.
            if (value > best || position < 0 || (Number.isNaN(value) && !Number.isNaN(best))) {
              best = value;
              position = row * width + column;
            }
          }
        }
        values.values[write] = best;
        indices.values[write] = position;
        write++;
      }
    }
  }
};

export const maxPool2dGradient: ReferenceKernel<'maxPool2dGradient'> = ([g, indices], _attributes, [dx]) => {
  const [batch, channels, height, width] = dx.shape;
  const area = g.shape[2] * g.shape[3];
  let read = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    const start = plane * height * width;
    for (const end = read + area; read < end; read++) {
      const position = indices.values[read];
      if (position >= 0) {
        dx.values[start + position] += g.values[read];
      }
    }
  }
};

/** The pixels of an axis that an output averages, begin <= pixel < end, and what it counts them as. */
interface Span {
  readonly begin: number;
  readonly end: number;
  readonly count: number;
}

function poolSpans(
  axis: 0 | 1,
  extent: number,
  outputs: number,
  { kernel, strides, padsBegin, padsEnd, excludePad }: KernelAttributes['avgPool2d'],
): Span[] {
  return Array.from({ length: outputs }, (_, output) => {
    const first = output * strides[axis] - padsBegin[axis];
    // Windows of the ceiling mode may stick out of the padded image; what sticks out is never counted.
    const last = Math.min(first + kernel[axis], extent + padsEnd[axis]);
    const begin = Math.min(Math.max(first, 0), extent);
    const end = Math.max(begin, Math.min(last, extent));
    return { begin, end, count: excludePad ? end - begin : Math.max(0, last - first) };
  });
}

const adaptiveSpans = (extent: number, outputs: number): Span[] =>
  Array.from({ length: outputs }, (_, output) => {
    const begin = Math.floor((output * extent) / outputs);
    const end = Math.ceil(((output + 1) * extent) / outputs);
    return { begin, end, count: end - begin };
  });

/** y = the sum over each window divided by its count; 0 for a window that sees nothing. */
function average(x: HostOperand, y: HostOperand, rows: readonly Span[], columns: readonly Span[]): void {
  const [batch, channels, height, width] = x.shape;
  const input = x.values;
  let write = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    const start = plane * height * width;
    for (const row of rows) {
      for (const column of columns) {
        let sum = 0;
        for (let py = row.begin; py < row.end; py++) {
          const line = start + py * width;
          for (let px = column.begin; px < column.end; px++) {
            sum += input[line + px];
          }
        }
        const count = row.count * column.count;
        y.values[write++] = count > 0 ? sum / count : 0;
      }
    }
  }
}

/** The transpose of `average`: every pixel of a window receives g / count. */
function spread(g: HostOperand, dx: HostOperand, rows: readonly Span[], columns: readonly Span[]): void {
  const [batch, channels, height, width] = dx.shape;
  const output = dx.values;
  let read = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    const start = plane * height * width;
    for (const row of rows) {
      for (const column of columns) {
        const share = g.values[read++] / (row.count * column.count);
        for (let py = row.begin; py < row.end; py++) {
          const line = start + py * width;
          for (let px = column.begin; px < column.end; px++) {
            output[line + px] += share;
          }
        }
      }
    }
  }
}

export const avgPool2d: ReferenceKernel<'avgPool2d'> = ([x], attributes, [y]) => {
  const rows = poolSpans(0, x.shape[2], y.shape[2], attributes);
  const columns = poolSpans(1, x.shape[3], y.shape[3], attributes);
  average(x, y, rows, columns);
};

export const avgPool2dGradient: ReferenceKernel<'avgPool2dGradient'> = ([g], attributes, [dx]) => {
  const rows = poolSpans(0, dx.shape[2], g.shape[2], attributes);
  const columns = poolSpans(1, dx.shape[3], g.shape[3], attributes);
  spread(g, dx, rows, columns);
};

export const adaptiveAvgPool2d: ReferenceKernel<'adaptiveAvgPool2d'> = ([x], _attributes, [y]) => {
  average(x, y, adaptiveSpans(x.shape[2], y.shape[2]), adaptiveSpans(x.shape[3], y.shape[3]));
};

export const adaptiveAvgPool2dGradient: ReferenceKernel<'adaptiveAvgPool2dGradient'> = ([g], _attributes, [dx]) => {
  spread(g, dx, adaptiveSpans(dx.shape[2], g.shape[2]), adaptiveSpans(dx.shape[3], g.shape[3]));
};
