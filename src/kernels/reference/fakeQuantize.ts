/**
 * Fake quantization in NNCF's form (forward, integer codes, straight-through gradient) and in
 * OpenVINO's.
 *
 * The point of these kernels is to agree with NNCF on PyTorch bit by bit, so every operation is
 * rounded to the tensor's type and stands in the order of NNCF's CPU kernel: the scale is a true
 * division, the zero point is rounded before it is used, and the code is divided by the scale.
 * NaN goes through to the output, has code 0, and neither receives nor causes a gradient.
 */
import type { DType } from '../dtype.js';
import type { HostOperand, ReferenceKernel } from './kernel.js';
import { roundHalfEven, roundSmallHalfEven } from './scalar.js';
import { forEachRow, planBroadcast, viewAxis } from './strides.js';

/** Rounds a double to a tensor's element type. */
type Round = (value: number) => number;

const keep: Round = (value) => value;
const roundingOf = (dtype: DType): Round => (dtype === 'float32' ? Math.fround : keep);

/** The quantization grid of one channel. */
interface Grid {
  readonly low: number;
  readonly high: number;
  readonly range: number;
  /** Levels per unit. */
  readonly scale: number;
  readonly zeroPoint: number;
}

function gridOf(low: number, range: number, levels: number, round: Round): Grid {
  const scale = round((levels - 1) / range);
  return { low, range, high: round(low + range), scale, zeroPoint: roundHalfEven(round(-low * scale)) };
}

/** Calls `visit` for every run of elements that share one grid. */
function forEachRun(
  x: HostOperand,
  low: HostOperand,
  range: HostOperand,
  levels: number,
  visit: (grid: Grid, channel: number, start: number, end: number) => void,
): void {
  const round = roundingOf(x.dtype);
  const grids = Array.from(low.values, (each, channel) => gridOf(each, range.values[channel], levels, round));
  if (grids.length === 1) {
    visit(grids[0], 0, 0, x.values.length);
    return;
  }
  const axis = low.shape.findIndex((extent) => extent !== 1);
  const { outer, extent, inner } = viewAxis(x.shape, axis);
  for (let block = 0; block < outer; block++) {
    for (let channel = 0; channel < extent; channel++) {
      const start = (block * extent + channel) * inner;
      visit(grids[channel], channel, start, start + inner);
    }
  }
}

export const fakeQuantize: ReferenceKernel<'fakeQuantize'> = ([x, low, range], { levels }, [y]) => {
  const round = roundingOf(x.dtype);
  const [xs, ys] = [x.values, y.values];
  forEachRun(x, low, range, levels, ({ low: lowest, high: highest, scale, zeroPoint }, _channel, start, end) => {
    for (let index = start; index < end; index++) {
      const clamped = Math.max(Math.min(xs[index], highest), lowest);
      const code = roundSmallHalfEven(round(round(round(clamped - lowest) * scale) - zeroPoint));
      ys[index] = code / scale;
    }
  });
};

export const fakeQuantizeCodes: ReferenceKernel<'fakeQuantizeCodes'> = ([x, low, range], { levels }, [codes]) => {
  const round = roundingOf(x.dtype);
  const [xs, ys] = [x.values, codes.values];
  forEachRun(x, low, range, levels, ({ low: lowest, high: highest, scale, zeroPoint }, _channel, start, end) => {
    for (let index = start; index < end; index++) {
      const clamped = Math.max(Math.min(xs[index], highest), lowest);
      ys[index] = roundSmallHalfEven(round(round(round(clamped - lowest) * scale) - zeroPoint));
    }
  });
};

export const fakeQuantizeGradient: ReferenceKernel<'fakeQuantizeGradient'> = (
  [g, x, low, range],
  { levels, levelLow, levelHigh },
  [dx, dLow, dRange],
) => {
  const round = roundingOf(x.dtype);
  const below = round(levelLow / levelHigh);
  const [gs, xs, dxs] = [g.values, x.values, dx.values];
  const lowSums = new Float64Array(low.values.length);
  const rangeSums = new Float64Array(low.values.length);
  forEachRun(x, low, range, levels, (grid, channel, start, end) => {
    const { low: lowest, high: highest, scale, zeroPoint } = grid;
    const inverseRange = round(1 / grid.range);
    let [lowSum, rangeSum] = [0, 0];
    for (let index = start; index < end; index++) {
      const [value, gradient] = [xs[index], gs[index]];
      if (value >= lowest && value <= highest) {
        const code = roundSmallHalfEven(round(round(round(value - lowest) * scale) - zeroPoint));
        const error = round(round(round(code / scale) - value) * inverseRange);
        rangeSum += round(error * gradient);
        dxs[index] = gradient;
      } else if (value > highest) {
        rangeSum += gradient;
        lowSum += gradient;
      } else if (value < lowest) {
        rangeSum += round(below * gradient);
        lowSum += gradient;
      }
    }
    lowSums[channel] += lowSum;
    rangeSums[channel] += rangeSum;
  });
  dLow.values.set(lowSums);
  dRange.values.set(rangeSums);
};

/**
 * OpenVINO's FakeQuantize-1: note that an element equal to the lower limit takes the lower output, that rounding
 * is on the level's index, and that NaN passes both comparisons and stays NaN.
 */
export const fakeQuantizeOpenvino: ReferenceKernel<'fakeQuantizeOpenvino'> = (inputs, { levels }, [y]) => {
  const round = roundingOf(y.dtype);
  const [xs, inputLows, inputHighs, outputLows, outputHighs] = inputs.map((input) => input.values);
  const plan = planBroadcast(
    y.shape,
    inputs.map((input) => input.shape),
  );
  const { length, strides } = plan;
  const steps = levels - 1;
  forEachRow(plan, (offsets) => {
    for (let index = 0; index < length; index++) {
      const value = xs[offsets[1] + index * strides[1]];
      const inputLow = inputLows[offsets[2] + index * strides[2]];
      const inputHigh = inputHighs[offsets[3] + index * strides[3]];
      const outputLow = outputLows[offsets[4] + index * strides[4]];
      const outputHigh = outputHighs[offsets[5] + index * strides[5]];
      let result: number;
      if (value <= Math.min(inputLow, inputHigh)) {
        result = outputLow;
      } else if (value > Math.max(inputLow, inputHigh)) {
        result = outputHigh;
      } else {
        const position = round(round(round(value - inputLow) / round(inputHigh - inputLow)) * steps);
        const level = roundHalfEven(position);
        result = round(round(round(level / steps) * round(outputHigh - outputLow)) + outputLow);
      }
      y.values[offsets[0] + index] = result;
    }
  });
};
