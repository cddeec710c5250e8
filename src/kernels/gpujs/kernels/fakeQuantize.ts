/**
 * Fake-quantize and its straight-through gradient. Every intermediate value is rounded to float32
 * in the same order as in the reference kernel, because half a unit in the last place is enough to
 * move a tie to another quantum.
 */
import type { TensorType } from '../../contract.js';
import { input, type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { roundHalfToEven, splitIndex } from './source.js';

/** How the elements of a channel are summed. */
interface Chunking {
  /** Elements of a channel. */
  readonly elements: number;
  /** Elements of a chunk. */
  readonly chunk: number;
  readonly chunks: number;
}

interface ChannelLayout {
  /** Number of ranges. */
  readonly channels: number;
  /** Number of neighbouring elements that share a range. */
  readonly inner: number;
}

/** Which elements of `x` share a range: all of them, or those of one position on one axis. */
function channelLayout(x: TensorType, low: TensorType): ChannelLayout {
  const axis = low.shape.findIndex((extent) => extent !== 1);
  if (axis < 0) {
    return { channels: 1, inner: sizeOf(x.shape) };
  }
  return { channels: low.shape[axis], inner: sizeOf(x.shape.slice(axis + 1)) };
}

/** Declares `channel`, the range that element `index` uses. */
function channelOf(index: string, { channels, inner }: ChannelLayout): string {
  if (channels === 1) {
    return 'const channel = 0;';
  }
  return inner === 1
    ? splitIndex(index, channels, 'outer', 'channel')
    : `${splitIndex(index, inner, 'block', 'within')}${splitIndex('block', channels, 'outer', 'channel')}`;
}

/** Declares rangeLow, rangeSize, rangeHigh, scale and zeroPoint of `channel`. */
const rangeOf = (levels: number): string => `
    const rangeLow = low[channel];
    const rangeSize = range[channel];
    const rangeHigh = Math.fround(rangeLow + rangeSize);
    const scale = Math.fround(${levels - 1} / rangeSize);
    const zeroValue = Math.fround(-rangeLow * scale);
    ${roundHalfToEven('zeroValue', 'zeroPoint')}`;

/** Declares `quantized`, the fake-quantized `value`. */
const QUANTIZE = `
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

/** dx: the incoming gradient inside the range, zero outside and at NaN. */
const inputGradient = (layout: ChannelLayout): string => `function (g, x, low, range) {
    ${channelOf('this.thread.x', layout)}
    const rangeLow = low[channel];
    const rangeHigh = Math.fround(rangeLow + range[channel]);
    const value = x[this.thread.x];
    let gradient = 0;
    if (value >= rangeLow && value <= rangeHigh) { gradient = g[this.thread.x]; }
    return gradient;
  }`;

/** Declares `position` of the k-th element of a channel. */
function positionOf(element: string, { channels, inner }: ChannelLayout): string {
  if (channels === 1) {
    return `const position = ${element};`;
  }
  return inner === 1
    ? `const position = ${element} * ${channels} + channel;`
    : `${splitIndex(element, inner, 'outer', 'within')}
        const position = (outer * ${channels} + channel) * ${inner} + within;`;
}

/**
 * Sums over one chunk of a channel's elements: first the chunks of all channels for dlow, then
 * those for drange. A GPU cannot add into shared memory, so a sum is two launches: chunks of about
 * the square root of the number of elements, then the chunks.
 */
const chunkGradients = (
  layout: ChannelLayout,
  { elements, chunk, chunks }: Chunking,
  levels: number,
): string => `function (g, x, low, range, slopeBelow) {
    ${splitIndex('this.thread.x', chunks, 'channelOfBoth', 'chunk')}
    ${splitIndex('channelOfBoth', layout.channels, 'isRange', 'channel')}
    ${rangeOf(levels)}
    const inverseRange = Math.fround(1 / rangeSize);
    let sum = 0;
    for (let k = 0; k < ${chunk}; k++) {
      const element = chunk * ${chunk} + k;
      if (element < ${elements}) {
        ${positionOf('element', layout)}
        const value = x[position];
        const gradient = g[position];
        if (value > rangeHigh) {
          sum = sum + gradient;
        }
        if (value < rangeLow) {
          if (isRange > 0.5) {
            sum = sum + Math.fround(slopeBelow * gradient);
          } else {
            sum = sum + gradient;
          }
        }
        if (isRange > 0.5 && value >= rangeLow && value <= rangeHigh) {
          ${QUANTIZE}
          const error = Math.fround(Math.fround(quantized - value) * inverseRange);
          sum = sum + Math.fround(error * gradient);
        }
      }
    }
    return sum;
  }`;

/** Adds the chunks of each channel, beginning at `offset`. */
const chunkSums = (chunks: number, offset: number): string => `function (sums) {
    let sum = 0;
    for (let k = 0; k < ${chunks}; k++) {
      sum = sum + sums[${offset} + this.thread.x * ${chunks} + k];
    }
    return sum;
  }`;

export const fakeQuantizeGradient: ProgramWriter<'fakeQuantizeGradient'> = (
  [, x, low],
  { levels, levelLow, levelHigh },
) => {
  const layout = channelLayout(x, low);
  const length = sizeOf(x.shape);
  const elements = length / layout.channels;
  const chunk = Math.ceil(Math.sqrt(elements));
  const chunks = Math.ceil(elements / chunk);
  const all = [0, 1, 2, 3].map(input);
  return {
    steps: [
      { source: inputGradient(layout), length, arguments: all },
      {
        source: chunkGradients(layout, { elements, chunk, chunks }, levels),
        length: 2 * layout.channels * chunks,
        // An argument because it is infinite for two levels, which shading languages have no literal for.
        arguments: [...all, Math.fround(levelLow / levelHigh)],
      },
      { source: chunkSums(chunks, 0), length: layout.channels, arguments: [{ step: 1 }] },
      { source: chunkSums(chunks, layout.channels * chunks), length: layout.channels, arguments: [{ step: 1 }] },
    ],
    outputs: [0, 2, 3],
  };
};
