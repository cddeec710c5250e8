/**
 * Softmax and its logarithm along an axis. The maximum and the sum of exponentials of each line come first, by as many
 * launches as the line's length asks for; a last launch computes the elements. The maximum is subtracted first, so that no
 * exponential overflows.
 */
import { viewAxis } from '../../reference/strides.js';
import type { ProgramWriter, Step } from '../program.js';
import { shareOut } from './chunks.js';
import { extreme } from './extreme.js';
import { exponential, logarithm, MAX_FLOAT32 } from './functions.js';
import { splitIndex } from './source.js';

/** Declares `maximum` of `count` values; `read` gives the k-th. */
const maximumOf = (count: number, read: (k: string) => string): string => `let maximum = ${read('0')};
    for (let k = 1; k < ${count}; k++) {
      const each = ${read('k')};
      ${extreme('max', 'maximum', 'each', 'larger')}
      maximum = larger;
    }`;

/** Steps that compute the maximum of each line and the sum of e^(x - maximum): `lines` elements each. */
function lineSteps(shape: readonly number[], axis: number): Step[] {
  const { outer, extent, inner } = viewAxis(shape, axis);
  const lines = outer * inner;
  const { chunk, chunks } = shareOut(extent, 1, lines);
  // The last chunk may be shorter. It reads its last element again, which changes no maximum, and adds only what is its own.
  const isEven = chunk * chunks === extent;
  const read = (k: string): string => `x[first + ${isEven ? k : `Math.min(${k}, most)`} * ${inner}]`;
  const begin = `${splitIndex('this.thread.x', lines, 'part', 'line')}
    ${splitIndex('line', inner, 'block', 'lane')}
    const most = ${extent - 1} - part * ${chunk};
    const first = (block * ${extent} + part * ${chunk}) * ${inner} + lane;
    ${maximumOf(chunk, read)}`;
  const add = `const argument = ${read('j')} - maximum;
        ${exponential('argument', 'power')}
        sum = sum + power;`;
  // A chunk of -Infinity alone adds nothing to a line that has more.
  const empty = chunks === 1 ? '' : `if (maximum < -${MAX_FLOAT32}) { sum = 0; }`;
  const whole: Step[] = [
    {
      source: `function (x) {
    ${begin}
    return maximum;
  }`,
      length: lines * chunks,
      arguments: [{ input: 0 }],
    },
    {
      source: `function (x) {
    ${begin}
    let sum = 0;
    for (let j = 0; j < ${chunk}; j++) {
      ${isEven ? add : `if (j <= most) { ${add} }`}
    }
    ${empty}
    return sum;
  }`,
      length: lines * chunks,
      arguments: [{ input: 0 }],
    },
  ];
  return chunks === 1 ? whole : [...whole, ...combine(lines, chunks)];
}

/** Steps that combine the chunks' maxima (step 0) and sums (step 1). */
function combine(lines: number, chunks: number): Step[] {
  const total = maximumOf(chunks, (k) => `maxima[this.thread.x + ${k} * ${lines}]`);
  return [
    {
      source: `function (maxima) {
    ${total}
    return maximum;
  }`,
      length: lines,
      arguments: [{ step: 0 }],
    },
    {
      source: `function (maxima, sums) {
    ${total}
    let sum = 0;
    for (let j = 0; j < ${chunks}; j++) {
      const difference = maxima[this.thread.x + j * ${lines}] - maximum;
      ${exponential('difference', 'power')}
      sum = sum + power * sums[this.thread.x + j * ${lines}];
    }
    return sum;
  }`,
      length: lines,
      arguments: [{ step: 0 }, { step: 1 }],
    },
  ];
}

/** The program whose elements are `result`, which `write` declares from `shifted` (x - maximum) and `total` (the sum). */
const lineProgram =
  (write: string): ProgramWriter<'softmax' | 'logSoftmax'> =>
  ([x], { axis }, [output]) => {
    const { outer, extent, inner } = viewAxis(x.shape, axis);
    const steps = lineSteps(x.shape, axis);
    const last: Step = {
      source: `function (x, maxima, sums) {
    ${splitIndex('this.thread.x', extent * inner, 'block', 'rest')}
    ${splitIndex('rest', inner, 'digit', 'lane')}
    const line = block * ${inner} + lane;
    const shifted = x[this.thread.x] - maxima[line];
    const total = sums[line];
    ${write}
    return result;
  }`,
      length: outer * extent * inner,
      arguments: [{ input: 0 }, { step: steps.length - 2 }, { step: steps.length - 1 }],
    };
    return output.dtype === 'float32' ? { steps: [...steps, last], outputs: [steps.length] } : undefined;
  };

export const softmax = lineProgram(`${exponential('shifted', 'power')} const result = power / total;`);

export const logSoftmax = lineProgram(`${logarithm('total', 'ofTotal')} const result = shifted - ofTotal;`);
