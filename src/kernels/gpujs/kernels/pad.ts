/**
 * Padding, and its gradient. A padded element reads one element of the input, or the padding value. The gradient turns
 * that round without adding into shared memory: with constant padding an element gets one gradient or none, in the other
 * modes a launch for each padded axis adds up what was read from one element.
 */
import type { KernelAttributes, TensorType } from '../../contract.js';
import { denseStrides } from '../../reference/strides.js';
import { type Program, type ProgramWriter, type Step, singleStep, sizeOf } from '../program.js';
import { gridPositions, type SourceAxis } from './grid.js';
import { splitIndex } from './source.js';

type Mode = KernelAttributes['pad']['mode'];

/** What one axis of the padded tensor reads. */
function paddedAxis(extent: number, sourceExtent: number, padBegin: number, mode: Mode): SourceAxis {
  if (padBegin === 0 && extent === sourceExtent) {
    return { extent, sourceExtent };
  }
  const last = sourceExtent - 1;
  const source = (digit: string, name: string): string => {
    const shifted = `let ${name} = ${digit} + (${-padBegin});`;
    switch (mode) {
      case 'constant':
        return shifted;
      case 'edge':
        return `${shifted}
    if (${name} < 0) { ${name} = 0; }
    if (${name} > ${last}) { ${name} = ${last}; }`;
      case 'reflect': {
        // The mirrored signal repeats after 2 * last, the border itself being shown once.
        const period = Math.max(2 * last, 1);
        return `const ${name}Shifted = ${digit} + (${-padBegin});
    ${splitIndex(`${name}Shifted`, period, `${name}Period`, name)}
    if (${name} > ${period} - ${name}) { ${name} = ${period} - ${name}; }`;
      }
    }
  };
  return { extent, sourceExtent, source };
}

/** Whether padding of `value` is the same in the dtype. */
const isExact = (value: number, { dtype }: TensorType): boolean =>
  Number.isFinite(value) && (dtype === 'float32' || value === 0 || (dtype !== 'bool' && value === 1));

export const pad: ProgramWriter<'pad'> = ([x], { padsBegin, mode, value }, [output]) => {
  if (mode === 'constant' && !isExact(value, output)) {
    return undefined;
  }
  const axes = output.shape.map((extent, axis) => paddedAxis(extent, x.shape[axis], padsBegin[axis], mode));
  const source = `function (x) {
    ${gridPositions('this.thread.x', axes, 'position')}
    let padded = ${mode === 'constant' ? value : 0};
    if (position >= 0) { padded = x[position]; }
    return padded;
  }`;
  return singleStep(source, [x], sizeOf(output.shape));
};

/** Adds to `sum` what was read from index `digit` of an axis, from positions `first + index * inner` of g. */
function gradientOfAxis(extent: number, paddedExtent: number, padBegin: number, inner: number, mode: Mode): string {
  const last = extent - 1;
  const add = (index: string): string =>
    `if (${index} >= 0 && ${index} < ${paddedExtent}) { sum = sum + g[first + ${index} * ${inner}]; }`;
  if (mode === 'edge') {
    const [before, after] = [padBegin, paddedExtent - padBegin - extent];
    const beyond = (count: number, border: number, begin: number): string =>
      count <= 0
        ? ''
        : `if (digit === ${border}) {
      for (let k = 0; k < ${count}; k++) {
        const beyond = k + (${begin});
        ${add('beyond')}
      }
    }`;
    return `const own = digit + (${padBegin});
    ${add('own')}
    ${beyond(before, 0, 0)}
    ${beyond(after, last, padBegin + extent)}`;
  }
  // Index i is read by all i + m period and, but for the ends, which are their own mirror images, by m period - i.
  const period = Math.max(2 * last, 1);
  const lowest = Math.ceil((-padBegin - last) / period);
  const highest = Math.floor((paddedExtent - 1 - padBegin + last) / period);
  return `for (let k = 0; k < ${highest - lowest + 1}; k++) {
      const shift = k * ${period} + (${lowest * period + padBegin});
      const forward = shift + digit;
      ${add('forward')}
      const backward = shift - digit;
      if (digit > 0 && digit < ${last}) {
        ${add('backward')}
      }
    }`;
}

export const padGradient: ProgramWriter<'padGradient'> = ([g], { padsBegin, mode }, [output]) =>
  output.dtype !== 'float32'
    ? undefined
    : mode === 'constant'
      ? constantGradient(g, padsBegin, output)
      : repeatedGradient(g, padsBegin, mode, output);

function constantGradient(g: TensorType, padsBegin: readonly number[], output: TensorType): Program {
  const axes = output.shape.map((extent, axis) => paddedAxis(extent, g.shape[axis], -padsBegin[axis], 'constant'));
  const source = `function (g) {
    ${gridPositions('this.thread.x', axes, 'position')}
    let gradient = 0;
    if (position >= 0) { gradient = g[position]; }
    return gradient;
  }`;
  return singleStep(source, [g], sizeOf(output.shape));
}

/** A launch for each padded axis, from the first; the shape goes from g's to the output's. */
function repeatedGradient(
  g: TensorType,
  padsBegin: readonly number[],
  mode: Exclude<Mode, 'constant'>,
  output: TensorType,
): Program {
  const shape = [...g.shape];
  const steps: Step[] = [];
  padsBegin.forEach((padBegin, axis) => {
    const [extent, paddedExtent] = [output.shape[axis], shape[axis]];
    if (padBegin === 0 && extent === paddedExtent) {
      return;
    }
    shape[axis] = extent;
    const inner = denseStrides(shape)[axis];
    steps.push({
      source: `function (g) {
    ${splitIndex('this.thread.x', inner, 'line', 'lane')}
    ${splitIndex('line', extent, 'block', 'digit')}
    const first = block * ${paddedExtent * inner} + lane;
    let sum = 0;
    ${gradientOfAxis(extent, paddedExtent, padBegin, inner, mode)}
    return sum;
  }`,
      length: sizeOf(shape),
      arguments: [steps.length === 0 ? { input: 0 } : { step: steps.length - 1 }],
    });
  });
  return steps.length === 0
    ? singleStep('function (g) { return g[this.thread.x]; }', [g], sizeOf(output.shape))
    : { steps, outputs: [steps.length - 1] };
}
