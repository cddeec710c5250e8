/** Convolution (cross-correlation): one thread computes one output pixel of one output channel, tap by tap of the filter. */
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { splitIndex } from './source.js';

export const conv2d: ProgramWriter<'conv2d'> = ([x, filter], { strides, padsBegin, dilations, groups }, [output]) => {
  const [, channels, height, width] = x.shape;
  const [, groupChannels, filterHeight, filterWidth] = filter.shape;
  const [, outputChannels, outputHeight, outputWidth] = output.shape;
  const taps = filterHeight * filterWidth;
  const source = `function (x, w) {
    ${splitIndex('this.thread.x', outputWidth, 'rowOfAll', 'outputX')}
    ${splitIndex('rowOfAll', outputHeight, 'planeOfAll', 'outputY')}
    ${splitIndex('planeOfAll', outputChannels, 'image', 'outputChannel')}
    ${splitIndex('outputChannel', outputChannels / groups, 'group', 'channelOfGroup')}
    const firstY = outputY * ${strides[0]} - ${padsBegin[0]};
    const firstX = outputX * ${strides[1]} - ${padsBegin[1]};
    const firstPlane = (image * ${channels} + group * ${groupChannels}) * ${height * width};
    const firstWeight = outputChannel * ${groupChannels * taps};
    let sum = 0;
    for (let ky = 0; ky < ${filterHeight}; ky++) {
      const inputY = firstY + ky * ${dilations[0]};
      if (inputY >= 0 && inputY < ${height}) {
        for (let kx = 0; kx < ${filterWidth}; kx++) {
          const inputX = firstX + kx * ${dilations[1]};
          if (inputX >= 0 && inputX < ${width}) {
            const from = firstPlane + inputY * ${width} + inputX;
            const weight = firstWeight + ky * ${filterWidth} + kx;
            let part = 0;
            for (let c = 0; c < ${groupChannels}; c++) {
              part = part + x[from + c * ${height * width}] * w[weight + c * ${taps}];
            }
            sum = sum + part;
          }
        }
      }
    }
    return sum;
  }`;
  return singleStep(source, [x, filter], sizeOf(output.shape));
};
