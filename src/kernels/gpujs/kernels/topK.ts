/**
 * The k largest or smallest along an axis, sorted. A thread finds the element of its rank by as many passes over the line,
 * each for the next in order; values and indices are two results of the same search, in one launch. That is much work for
 * many ranks, which the reference kernel does better by sorting.
 */
import type { KernelAttributes } from '../../contract.js';
import { viewAxis } from '../../reference/strides.js';
import { independentSteps, input, type ProgramWriter, type Step, sizeOf } from '../program.js';
import { splitIndex } from './source.js';

/** Most elements that all the passes together look at. */
const MOST_READS = 2 ** 28;

/** Whether an element (its variables begin with `a`) stands before another. NaN is the largest; ties go by index. */
function before(a: string, b: string, mode: KernelAttributes['topK']['mode']): string {
  const order = mode === 'max' ? '>' : '<';
  const byIndex = `${a}Value === ${b}Value && ${a}Index < ${b}Index`;
  const byValue = `${a}Value ${order} ${b}Value || (${byIndex})`;
  return `(${a}Nan ${order} ${b}Nan || (${a}Nan === ${b}Nan && (${byValue})))`;
}

export const topK: ProgramWriter<'topK'> = ([x], { axis, k, mode }, [output]) => {
  const { extent, inner } = viewAxis(x.shape, axis);
  const length = sizeOf(output.shape);
  if (length * k * extent > MOST_READS) {
    return undefined;
  }
  const search = (result: string): Step => ({
    source: `function (x) {
    ${splitIndex('this.thread.x', inner, 'row', 'lane')}
    ${splitIndex('row', k, 'block', 'rank')}
    const first = block * ${extent * inner} + lane;
    let lastNan = ${mode === 'max' ? 2 : -1};
    let lastValue = 0;
    let lastIndex = -1;
    for (let pass = 0; pass < ${k}; pass++) {
      if (pass <= rank) {
        let bestNan = 0;
        let bestValue = 0;
        let bestIndex = -1;
        for (let i = 0; i < ${extent}; i++) {
          const value = x[first + i * ${inner}];
          const eachIndex = i;
          let eachNan = 1;
          let eachValue = 0;
          if (value <= 0) { eachNan = 0; eachValue = value; }
          if (value > 0) { eachNan = 0; eachValue = value; }
          if (${before('last', 'each', mode)}) {
            if (bestIndex < 0 || ${before('each', 'best', mode)}) {
              bestNan = eachNan;
              bestValue = eachValue;
              bestIndex = eachIndex;
            }
          }
        }
        lastNan = bestNan;
        lastValue = bestValue;
        lastIndex = bestIndex;
      }
    }
    return ${result};
  }`,
    length,
    arguments: [input(0)],
  });
  return independentSteps([search(`x[first + lastIndex * ${inner}]`), search('lastIndex')]);
};
