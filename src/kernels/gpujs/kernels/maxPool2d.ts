/**
 * Maximum pooling and its gradient. Values and positions are computed side by side, each with its own
 * search of the window, because an element is one thread's and a thread gives one number. The gradient
 * is a gather: a pixel asks each output whose window holds it whether it was that output's maximum.
 */
import { independentSteps, input, type ProgramWriter, type Step, singleStep, sizeOf } from '../program.js';
import { splitIndex } from './source.js';
import { outputOfTap } from './windows.js';

export const maxPool2d: ProgramWriter<'maxPool2d'> = (
  [x],
  { kernel, strides, padsBegin, dilations },
  [values, indices],
) => {
  if (x.dtype !== 'float32' || values.dtype !== 'float32' || indices.dtype !== 'int32') {
    return undefined;
  }
  const [, , height, width] = x.shape;
  const [, , outputHeight, outputWidth] = values.shape;
  const search = (result: string): Step => ({
    // A NaN replaces any number, and nothing replaces a NaN; a comparison with NaN is false.
    source: `function (x, lowest) {
    ${splitIndex('this.thread.x', outputWidth, 'rowOfAll', 'outputX')}
    ${splitIndex('rowOfAll', outputHeight, 'plane', 'outputY')}
    let best = lowest;
    let position = -1;
    let isNumber = 1;
    for (let ky = 0; ky < ${kernel[0]}; ky++) {
      const row = outputY * ${strides[0]} - ${padsBegin[0]} + ky * ${dilations[0]};
      if (row >= 0 && row < ${height}) {
        for (let kx = 0; kx < ${kernel[1]}; kx++) {
          const column = outputX * ${strides[1]} - ${padsBegin[1]} + kx * ${dilations[1]};
          if (column >= 0 && column < ${width} && isNumber > 0.5) {
            const value = x[(plane * ${height} + row) * ${width} + column];
            if (!(value <= best) || position < 0) {
              best = value;
              position = row * ${width} + column;
            }
            if (!(best >= lowest)) { isNumber = 0; }
          }
        }
      }
    }
    return ${result};
  }`,
    length: sizeOf(values.shape),
    // An argument because shading languages have no literal for it.
    arguments: [input(0), Number.NEGATIVE_INFINITY],
  });
  return independentSteps([search('best'), search('position')]);
};

export const maxPool2dGradient: ProgramWriter<'maxPool2dGradient'> = ([g, indices], { window }, [dx]) => {
  if (g.dtype !== 'float32' || indices.dtype !== 'int32' || dx.dtype !== 'float32') {
    return undefined;
  }
  const [, , height, width] = dx.shape;
  const [, , outputHeight, outputWidth] = g.shape;
  const outputs = [outputHeight, outputWidth];
  // Without a window every output of the plane is asked.
  const loops = [0, 1].map((axis) => {
    const [tap, pixel, output] = [['ky', 'y', 'outputY'] as const, ['kx', 'x', 'outputX'] as const][axis];
    if (window === undefined) {
      return { count: outputs[axis], declaration: `const ${output} = ${tap} + 0;`, condition: `${output} >= 0` };
    }
    const { strides, padsBegin, dilations, kernel } = window;
    const along = {
      stride: strides[axis],
      padBegin: padsBegin[axis],
      dilation: dilations[axis],
      outputs: outputs[axis],
    };
    return { count: kernel[axis], ...outputOfTap(along, pixel, tap, output) };
  });
  const [alongY, alongX] = loops;
  const source = `function (g, indices) {
    ${splitIndex('this.thread.x', width, 'rowOfAll', 'x')}
    ${splitIndex('rowOfAll', height, 'plane', 'y')}
    const pixel = y * ${width} + x;
    let sum = 0;
    for (let ky = 0; ky < ${alongY.count}; ky++) {
      ${alongY.declaration}
      if (${alongY.condition}) {
        const row = (plane * ${outputHeight} + outputY) * ${outputWidth};
        for (let kx = 0; kx < ${alongX.count}; kx++) {
          ${alongX.declaration}
          if (${alongX.condition}) {
            if (indices[row + outputX] === pixel) {
              sum = sum + g[row + outputX];
            }
          }
        }
      }
    }
    return sum;
  }`;
  return singleStep(source, [g, indices], sizeOf(dx.shape));
};
