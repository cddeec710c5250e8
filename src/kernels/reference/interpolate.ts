/**
 * Resizing of [N, C, H, W] by nearest neighbour or bilinear interpolation, and its transpose.
 *
 * Along each axis an output pixel is a weighted sum of two input pixels. The weights depend on the axis
 * only, so they are tabulated once and both directions read the same table.
 */
import type { InterpolateAttributes } from '../contract.js';
import type { HostOperand, ReferenceKernel } from './kernel.js';

/** The two input positions of an output position, and the weight of the second. */
export interface Sample {
  readonly low: number;
  readonly high: number;
  readonly weight: number;
}

/**
 * Where output `position` lies among the input positions, by OpenVINO's coordinate transformation modes
 * (Interpolate-4). With `align_corners` the step is already (input - 1) / (output - 1).
 */
export function inputCoordinate(
  coordinates: InterpolateAttributes['coordinates'],
  position: number,
  step: number,
  outputs: number,
): number {
  switch (coordinates) {
    case 'asymmetric':
    case 'align_corners':
      return position * step;
    case 'half_pixel':
      return (position + 0.5) * step - 0.5;
    case 'pytorch_half_pixel':
      return outputs > 1 ? (position + 0.5) * step - 0.5 : 0;
  }
}

/** One sample per output position of an axis (0: y, 1: x). */
export function samplesAlong(
  axis: 0 | 1,
  extent: number,
  outputs: number,
  { mode, coordinates, steps }: InterpolateAttributes,
): Sample[] {
  return Array.from({ length: outputs }, (_, position) => {
    const coordinate = inputCoordinate(coordinates, position, steps[axis], outputs);
    const clamped = Math.min(Math.max(coordinate, 0), extent - 1);
    if (mode === 'nearest') {
      // PyTorch's `nearest` takes the floor of asymmetric coordinates, its `nearest-exact` the floor of
      // (position + 0.5) * step, which is the half-pixel coordinate with halves rounded up.
      const nearest = Math.floor(coordinates === 'asymmetric' ? clamped : clamped + 0.5);
      return { low: nearest, high: nearest, weight: 0 };
    }
    const low = Math.floor(clamped);
    return { low, high: Math.min(low + 1, extent - 1), weight: clamped - low };
  });
}

interface Samples {
  readonly rows: readonly Sample[];
  readonly columns: readonly Sample[];
}

const samplesOf = (
  input: readonly number[],
  output: readonly number[],
  attributes: InterpolateAttributes,
): Samples => ({
  rows: samplesAlong(0, input[2], output[2], attributes),
  columns: samplesAlong(1, input[3], output[3], attributes),
});

function gatherNearest(x: HostOperand, y: HostOperand, { rows, columns }: Samples): void {
  const [batch, channels, height, width] = x.shape;
  let write = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const row of rows) {
      const line = (plane * height + row.low) * width;
      for (const column of columns) {
        y.values[write++] = x.values[line + column.low];
      }
    }
  }
}

function gatherLinear(x: HostOperand, y: HostOperand, { rows, columns }: Samples): void {
  const [batch, channels, height, width] = x.shape;
  let write = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const row of rows) {
      const lineLow = (plane * height + row.low) * width;
      const lineHigh = (plane * height + row.high) * width;
      for (const { low, high, weight } of columns) {
        const upper = x.values[lineLow + low] * (1 - weight) + x.values[lineLow + high] * weight;
        const lower = x.values[lineHigh + low] * (1 - weight) + x.values[lineHigh + high] * weight;
        y.values[write++] = upper * (1 - row.weight) + lower * row.weight;
      }
    }
  }
}

export const interpolate: ReferenceKernel<'interpolate'> = ([x], attributes, [y]) => {
  const samples = samplesOf(x.shape, y.shape, attributes);
  if (attributes.mode === 'nearest') {
    gatherNearest(x, y, samples);
  } else {
    gatherLinear(x, y, samples);
  }
};

export const interpolateGradient: ReferenceKernel<'interpolateGradient'> = ([g], attributes, [dx]) => {
  const { rows, columns } = samplesOf(dx.shape, g.shape, attributes);
  const [batch, channels, height, width] = dx.shape;
  let read = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const row of rows) {
      const lineLow = (plane * height + row.low) * width;
      const lineHigh = (plane * height + row.high) * width;
      for (const { low, high, weight } of columns) {
        const lower = g.values[read] * row.weight;
        const upper = g.values[read++] * (1 - row.weight);
        dx.values[lineLow + low] += upper * (1 - weight);
        dx.values[lineLow + high] += upper * weight;
        dx.values[lineHigh + low] += lower * (1 - weight);
        dx.values[lineHigh + high] += lower * weight;
      }
    }
  }
};
