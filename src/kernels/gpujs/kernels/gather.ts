/**
 * Gathering by index, and the gradients of it. A GPU cannot add into shared memory, so an element of a gradient looks
 * through the indices for those that read it; where that is too much to look through, the reference kernel does it.
 */
import { denseStrides, viewAxis } from '../../reference/strides.js';
import { type ProgramWriter, singleStep, sizeOf } from '../program.js';
import { splitIndex, stridedPositions } from './source.js';

/** Most comparisons of a gradient: elements times indices that each looks through. */
const MOST_COMPARISONS = 2 ** 28;

/** Declares `index`, the position on an axis of `extent` that `read` means. It is outside the axis where `read` is. */
const resolved = (read: string, extent: number): string => `let index = ${read};
      if (index < 0) { index = index + ${extent}; }`;

export const gather: ProgramWriter<'gather'> = ([data, indices], { axis }, [output]) => {
  const { extent, inner } = viewAxis(data.shape, axis);
  const source = `function (data, indices) {
    ${splitIndex('this.thread.x', inner, 'row', 'within')}
    ${splitIndex('row', sizeOf(indices.shape), 'block', 'position')}
    ${resolved('indices[position]', extent)}
    let gathered = 0;
    if (index >= 0 && index < ${extent}) { gathered = data[(block * ${extent} + index) * ${inner} + within]; }
    return gathered;
  }`;
  return singleStep(source, [data, indices], sizeOf(output.shape));
};

export const gatherGradient: ProgramWriter<'gatherGradient'> = ([g, indices], { axis }, [output]) => {
  const { extent, inner } = viewAxis(output.shape, axis);
  const [length, count] = [sizeOf(output.shape), sizeOf(indices.shape)];
  if (output.dtype !== 'float32' || length * count > MOST_COMPARISONS) {
    return undefined;
  }
  const source = `function (g, indices) {
    ${splitIndex('this.thread.x', inner, 'row', 'within')}
    ${splitIndex('row', extent, 'block', 'own')}
    let sum = 0;
    for (let k = 0; k < ${count}; k++) {
      ${resolved('indices[k]', extent)}
      if (index === own) { sum = sum + g[(block * ${count} + k) * ${inner} + within]; }
    }
    return sum;
  }`;
  return singleStep(source, [g, indices], length);
};

export const gatherElements: ProgramWriter<'gatherElements'> = ([data, indices], { axis }, [output]) => {
  const strides = denseStrides(data.shape);
  // The axis itself moves only in the indices: its position in the data is what the index says.
  const others = strides.map((stride, each) => (each === axis ? 0 : stride));
  const source = `function (data, indices) {
    ${stridedPositions('this.thread.x', output.shape, [{ strides: others }], ['start'])}
    ${resolved('indices[this.thread.x]', data.shape[axis])}
    let gathered = 0;
    if (index >= 0 && index < ${data.shape[axis]}) { gathered = data[start + index * ${strides[axis]}]; }
    return gathered;
  }`;
  return singleStep(source, [data, indices], sizeOf(output.shape));
};

export const gatherElementsGradient: ProgramWriter<'gatherElementsGradient'> = ([g, indices], { axis }, [output]) => {
  const length = sizeOf(output.shape);
  const count = indices.shape[axis];
  if (output.dtype !== 'float32' || length * count > MOST_COMPARISONS) {
    return undefined;
  }
  const strides = denseStrides(indices.shape);
  const dataStrides = denseStrides(output.shape);
  const lines: string[] = [];
  const terms: string[] = [];
  const inside: string[] = [];
  output.shape.forEach((extent, each) => {
    lines.push(splitIndex(`rest${each}`, dataStrides[each], `digit${each}`, `rest${each + 1}`));
    if (each !== axis) {
      terms.push(`digit${each} * ${strides[each]}`);
      // The indices may be fewer than the data along the other axes: there nothing was read.
      if (indices.shape[each] < extent) {
        inside.push(`digit${each} < ${indices.shape[each]}`);
      }
    }
  });
  const source = `function (g, indices) {
    const rest0 = this.thread.x;
    ${lines.join('')}
    const start = ${terms.join(' + ') || '0'};
    let sum = 0;
    if (${inside.join(' && ') || 'rest0 >= 0'}) {
      for (let k = 0; k < ${count}; k++) {
        const position = start + k * ${strides[axis]};
        ${resolved('indices[position]', output.shape[axis])}
        if (index === digit${axis}) { sum = sum + g[position]; }
      }
    }
    return sum;
  }`;
  return singleStep(source, [g, indices], length);
};
