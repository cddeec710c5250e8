/**
 * Fake-quantize: the values of the grid, and their codes. Every intermediate value is rounded to float32
 * in the same order as in the reference kernel, because half a unit in the last place is enough to
 * move a tie to another quantum.
 */
import type { TensorType } from '../../contract.js';
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { MAX_LENGTH, roundHalfToEven, splitIndex } from './source.js';

export interface ChannelLayout {
  /** Number of ranges. */
  readonly channels: number;
  /** Number of neighbouring elements that share a range. */
  readonly inner: number;
}

/** Which elements of `x` share a range: all of them, or those of one position on one axis. */
export function channelLayout(x: TensorType, low: TensorType): ChannelLayout {
  const axis = low.shape.findIndex((extent) => extent !== 1);
  if (axis < 0) {
    return { channels: 1, inner: sizeOf(x.shape) };
  }
  return { channels: low.shape[axis], inner: sizeOf(x.shape.slice(axis + 1)) };
}

/** Declares `channel`, the range that element `index` uses. */
export function channelOf(index: string, { channels, inner }: ChannelLayout): string {
  if (channels === 1) {
    return 'const channel = 0;';
  }
  return inner === 1
    ? splitIndex(index, channels, 'outer', 'channel')
    : `${splitIndex(index, inner, 'block', 'within')}${splitIndex('block', channels, 'outer', 'channel')}`;
}

/** Declares rangeLow, rangeSize, rangeHigh, scale and zeroPoint of `channel`. */
export const rangeOf = (levels: number): string => `
    const rangeLow = low[channel];
    const rangeSize = range[channel];
    const rangeHigh = Math.fround(rangeLow + rangeSize);
    const scale = Math.fround(${levels - 1} / rangeSize);
    const zeroValue = Math.fround(-rangeLow * scale);
    ${roundHalfToEven('zeroValue', 'zeroPoint')}`;

/** Declares `code`, the whole number of the quantum of `value`, and `quantized`, its value. */
export const QUANTIZE = `
    let clamped = value;
    if (clamped < rangeLow) { clamped = rangeLow; }
    if (clamped > rangeHigh) { clamped = rangeHigh; }
    const offset = Math.fround(clamped - rangeLow);
    const scaled = Math.fround(offset * scale);
    const shifted = Math.fround(scaled - zeroPoint);
    ${roundHalfToEven('shifted', 'code')}
    const quantized = Math.fround(code / scale);`;

export const fakeQuantize: ProgramWriter<'fakeQuantize'> = ([x, low, range], { levels }) => {
  const source = `function (x, low, range) {
    ${channelOf('this.thread.x', channelLayout(x, low))}
    ${rangeOf(levels)}
    const value = x[this.thread.x];
    ${QUANTIZE}
    return quantized;
  }`;
  return singleStep(source, [x, low, range], sizeOf(x.shape));
};

/** NaN meets neither condition and has code 0. */
export const fakeQuantizeCodes: ProgramWriter<'fakeQuantizeCodes'> = ([x, low, range], { levels }) => {
  const source = `function (x, low, range) {
    ${channelOf('this.thread.x', channelLayout(x, low))}
    ${rangeOf(levels)}
    const value = x[this.thread.x];
    ${QUANTIZE}
    let result = 0;
    if (code >= 1) { result = code; }
    if (code <= -1) { result = code; }
    return result;
  }`;
  return levels < MAX_LENGTH ? singleStep(source, [x, low, range], sizeOf(x.shape)) : undefined;
};
