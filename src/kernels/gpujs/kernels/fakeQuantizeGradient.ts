/**
 * The straight-through gradient of fake-quantize. The gradients of the ranges are sums over all that a range quantizes.
 * Every intermediate value is rounded as in the forward part.
 */
import { input, type ProgramWriter, type Step, sizeOf } from '../program.js';
import { addChunks, type Chunking, shareOut } from './chunks.js';
import { type ChannelLayout, channelLayout, channelOf, QUANTIZE, rangeOf } from './fakeQuantize.js';
import { splitIndex } from './source.js';

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
 * Sums over chunks of each channel's elements. A chunk has first the sums for dlow of all channels, then those for drange.
 */
const chunkGradients = (
  layout: ChannelLayout,
  { chunk, chunks }: Chunking,
  elements: number,
  levels: number,
): string => `function (g, x, low, range, slopeBelow) {
    ${splitIndex('this.thread.x', 2 * layout.channels, 'part', 'channelOfBoth')}
    ${splitIndex('channelOfBoth', layout.channels, 'isRange', 'channel')}
    ${rangeOf(levels)}
    const inverseRange = Math.fround(1 / rangeSize);
    let sum = 0;
    for (let k = 0; k < ${chunk}; k++) {
      const element = part * ${chunk} + k;
      if (${chunk * chunks === elements ? 'element >= 0' : `element < ${elements}`}) {
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

export const fakeQuantizeGradient: ProgramWriter<'fakeQuantizeGradient'> = (
  [, x, low],
  { levels, levelLow, levelHigh },
) => {
  const layout = channelLayout(x, low);
  const { channels } = layout;
  const length = sizeOf(x.shape);
  const elements = length / channels;
  const chunking = shareOut(elements, 1, 2 * channels);
  const { chunks } = chunking;
  const all = [0, 1, 2, 3].map(input);
  const sums: Step = {
    source: chunkGradients(layout, chunking, elements, levels),
    length: 2 * channels * chunks,
    // An argument because it is infinite for two levels, which shading languages have no literal for.
    arguments: [...all, Math.fround(levelLow / levelHigh)],
  };
  const total: Step = { source: addChunks(chunks, 2 * channels), length: 2 * channels, arguments: [{ step: 1 }] };
  const last = chunks === 1 ? 1 : 2;
  return {
    steps: [{ source: inputGradient(layout), length, arguments: all }, sums, ...(chunks === 1 ? [] : [total])],
    outputs: [0, last, { step: last, offset: channels }],
  };
};
