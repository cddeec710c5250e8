/**
 * Gradient of a convolution's input, as a gather: one thread collects for one input pixel what every
 * tap of the filter, in every output channel of its group, sends back to it.
 */
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { splitIndex } from './source.js';
import { outputOfTap } from './windows.js';

export const conv2dInputGradient: ProgramWriter<'conv2dInputGradient'> = (
  [g, filter],
  { strides, padsBegin, dilations, groups },
  [dx],
) => {
  const [, channels, height, width] = dx.shape;
  const [, groupChannels, filterHeight, filterWidth] = filter.shape;
  const [, outputChannels, outputHeight, outputWidth] = g.shape;
  const groupOutputs = outputChannels / groups;
  const taps = filterHeight * filterWidth;
  const [tapY, tapX] = [outputHeight, outputWidth].map((outputs, axis) =>
    outputOfTap(
      { stride: strides[axis], padBegin: padsBegin[axis], dilation: dilations[axis], outputs },
      ['y', 'x'][axis],
      ['ky', 'kx'][axis],
      ['outputY', 'outputX'][axis],
    ),
  );
  const source = `function (g, w) {
    ${splitIndex('this.thread.x', width, 'rowOfAll', 'x')}
    ${splitIndex('rowOfAll', height, 'planeOfAll', 'y')}
    ${splitIndex('planeOfAll', channels, 'image', 'channel')}
    ${splitIndex('channel', groupChannels, 'group', 'channelOfGroup')}
    const firstPlane = (image * ${outputChannels} + group * ${groupOutputs}) * ${outputHeight * outputWidth};
    const firstFilter = (group * ${groupOutputs * groupChannels} + channelOfGroup) * ${taps};
    let sum = 0;
    for (let ky = 0; ky < ${filterHeight}; ky++) {
      ${tapY.declaration}
      if (${tapY.condition}) {
        for (let kx = 0; kx < ${filterWidth}; kx++) {
          ${tapX.declaration}
          if (${tapX.condition}) {
            const from = firstPlane + outputY * ${outputWidth} + outputX;
            const weight = firstFilter + ky * ${filterWidth} + kx;
            let part = 0;
            for (let o = 0; o < ${groupOutputs}; o++) {
              part = part + g[from + o * ${outputHeight * outputWidth}] * w[weight + o * ${groupChannels * taps}];
            }
            sum = sum + part;
          }
        }
      }
    }
    return sum;
  }`;
  return singleStep(source, [g, filter], sizeOf(dx.shape));
};
