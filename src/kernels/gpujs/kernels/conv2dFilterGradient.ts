/**
 * Gradient of a convolution's filter: every weight sums over all output pixels of all images. The sum
 * is taken by rows of the output; long rows are cut into segments, and chunks of segments are threads
 * of their own (see chunks.ts).
 */
import { input, type ProgramWriter, type Step, sizeOf } from '../program.js';
import { addChunks, shareOut } from './chunks.js';
import { splitIndex } from './source.js';

/** Most pixels of a segment. */
const LONGEST_SEGMENT = 256;

export const conv2dFilterGradient: ProgramWriter<'conv2dFilterGradient'> = (
  [x, g],
  { strides, padsBegin, dilations, groups },
  [dw],
) => {
  const [batch, channels, height, width] = x.shape;
  const [, groupChannels, filterHeight, filterWidth] = dw.shape;
  const [, outputChannels, outputHeight, outputWidth] = g.shape;
  const weights = sizeOf(dw.shape);
  const segment = Math.min(outputWidth, LONGEST_SEGMENT);
  const segmentsOfRow = Math.ceil(outputWidth / segment);
  const segments = batch * outputHeight * segmentsOfRow;
  const { chunk, chunks } = shareOut(segments, segment, weights);
  const isWhole = segmentsOfRow === 1;

  const source = `function (x, g) {
    ${splitIndex('this.thread.x', weights, 'chunk', 'weight')}
    ${splitIndex('weight', filterWidth, 'filterRow', 'kx')}
    ${splitIndex('filterRow', filterHeight, 'filterPlane', 'ky')}
    ${splitIndex('filterPlane', groupChannels, 'outputChannel', 'channelOfGroup')}
    ${splitIndex('outputChannel', outputChannels / groups, 'group', 'outputOfGroup')}
    const channel = group * ${groupChannels} + channelOfGroup;
    const shiftY = ky * ${dilations[0]} - ${padsBegin[0]};
    const shiftX = kx * ${dilations[1]} - ${padsBegin[1]};
    let sum = 0;
    for (let k = 0; k < ${chunk}; k++) {
      const segment = chunk * ${chunk} + k;
      if (segment < ${segments}) {
        ${isWhole ? 'const row = segment; const firstX = 0;' : `${splitIndex('segment', segmentsOfRow, 'row', 'segmentOfRow')} const firstX = segmentOfRow * ${segment};`}
        ${splitIndex('row', outputHeight, 'image', 'outputY')}
        const inputY = outputY * ${strides[0]} + shiftY;
        if (inputY >= 0 && inputY < ${height}) {
          const inputRow = ((image * ${channels} + channel) * ${height} + inputY) * ${width};
          const outputRow = ((image * ${outputChannels} + outputChannel) * ${outputHeight} + outputY) * ${outputWidth};
          let part = 0;
          for (let i = 0; i < ${segment}; i++) {
            const outputX = firstX + i;
            const inputX = outputX * ${strides[1]} + shiftX;
            if (inputX >= 0 && inputX < ${width}${isWhole ? '' : ` && outputX < ${outputWidth}`}) {
              part = part + x[inputRow + inputX] * g[outputRow + outputX];
            }
          }
          sum = sum + part;
        }
      }
    }
    return sum;
  }`;
  const partial: Step = { source, length: weights * chunks, arguments: [input(0), input(1)] };
  return chunks === 1
    ? { steps: [partial], outputs: [0] }
    : {
        steps: [partial, { source: addChunks(chunks, weights), length: weights, arguments: [{ step: 0 }] }],
        outputs: [1],
      };
};
