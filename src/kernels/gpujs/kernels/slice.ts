/** Slicing, and its gradient: an element outside the slice has none, the others read theirs. */
import { denseStrides } from '../../reference/strides.js';
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { gridPositions, type SourceAxis } from './grid.js';
import { copyView } from './move.js';
import { splitIndex } from './source.js';

export const slice: ProgramWriter<'slice'> = ([x], { begin, steps }, [output]) => {
  const strides = denseStrides(x.shape);
  return copyView(x, output, {
    strides: strides.map((stride, axis) => stride * steps[axis]),
    begin: strides.reduce((sum, stride, axis) => sum + stride * begin[axis], 0),
  });
};

export const sliceGradient: ProgramWriter<'sliceGradient'> = ([g], { begin, steps }, [output]) => {
  if (output.dtype !== 'float32') {
    return undefined;
  }
  const axes = output.shape.map((extent, axis): SourceAxis => {
    const [first, step, size] = [begin[axis], steps[axis], g.shape[axis]];
    const isWhole = first === 0 && step === 1 && size === extent;
    return {
      extent,
      sourceExtent: size,
      source: isWhole
        ? undefined
        : (digit, name) => {
            const distance = step > 0 ? `(${digit} - ${first})` : `(${first} - ${digit})`;
            return `${splitIndex(distance, Math.abs(step), name, `${name}Rest`)}
    if (${name}Rest > 0.5) { ${name} = -1; }`;
          },
    };
  });
  const source = `function (g) {
    ${gridPositions('this.thread.x', axes, 'position')}
    let gradient = 0;
    if (position >= 0) { gradient = g[position]; }
    return gradient;
  }`;
  return singleStep(source, [g], sizeOf(output.shape));
};
