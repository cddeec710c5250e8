/**
 * Reductions over axes. One thread reduces the elements of one result, or where they are many, of one of its chunks; a
 * second launch then reduces the chunks.
 */
import type { ReduceFunction } from '../../contract.js';
import { isFloating } from '../../dtype.js';
import { denseStrides } from '../../reference/strides.js';
import type { ProgramWriter, Step, StepArgument } from '../program.js';
import { sizeOf } from '../program.js';
import { type Chunking, shareOut } from './chunks.js';
import { extreme } from './extreme.js';
import { splitIndex, stridedPositions } from './source.js';

/** Axes that are walked together: their extents, and their strides in the array that is reduced. */
interface Axes {
  readonly extents: readonly number[];
  readonly strides: readonly number[];
}

/** An array as results by elements of a result. */
interface Layout {
  readonly kept: Axes;
  readonly reduced: Axes;
}

function layoutOf(shape: readonly number[], axes: readonly number[]): Layout {
  const strides = denseStrides(shape);
  const pick = (isReduced: boolean): Axes => {
    const chosen = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === isReduced);
    return { extents: chosen.map((axis) => shape[axis]), strides: chosen.map((axis) => strides[axis]) };
  };
  return { kept: pick(false), reduced: pick(true) };
}

/** Statements that take the variable `value` into `total`. */
const ACCUMULATE: Readonly<Record<Exclude<ReduceFunction, 'mean'>, string>> = {
  sum: 'total = total + value;',
  prod: 'total = total * value;',
  max: `${extreme('max', 'total', 'value', 'larger')} total = larger;`,
  min: `${extreme('min', 'total', 'value', 'smaller')} total = smaller;`,
};

const INITIAL = { sum: 0, prod: 1 } as const;

/** The step that reduces the elements of each result in chunks: chunk k of result i is its element `k * results + i`. */
function reduceStep(
  name: Exclude<ReduceFunction, 'mean'>,
  { kept, reduced }: Layout,
  { chunk, chunks }: Chunking,
  argument: StepArgument,
  divisor: number,
): Step {
  const [results, count] = [sizeOf(kept.extents), sizeOf(reduced.extents)];
  const offset = (element: string, position: string): string =>
    stridedPositions(element, reduced.extents, [reduced], [position]);
  const begins =
    chunks === 1
      ? 'const begin = 0; const result = this.thread.x;'
      : `${splitIndex('this.thread.x', results, 'part', 'result')} const begin = part * ${chunk};`;
  const initial =
    name === 'max' || name === 'min'
      ? `${offset('begin', 'start')}
    let total = x[first + start];`
      : `let total = ${INITIAL[name]};`;
  const visit = `${offset('element', 'offset')}
        const value = x[first + offset];
        ${ACCUMULATE[name]}`;
  return {
    source: `function (x) {
    ${begins}
    ${stridedPositions('result', kept.extents, [kept], ['first'])}
    ${initial}
    for (let k = 0; k < ${chunk}; k++) {
      const element = begin + k;
      ${chunk * chunks === count ? visit : `if (element < ${count}) { ${visit} }`}
    }
    return ${divisor === 1 ? 'total' : `total / ${divisor}`};
  }`,
    length: results * chunks,
    arguments: [argument],
  };
}

export const reduce: ProgramWriter<'reduce'> = ([x], { function: name, axes }, [output]) => {
  if (!isFloating(output.dtype) && name !== 'max' && name !== 'min') {
    // Sums of whole numbers may leave those that float32 holds.
    return undefined;
  }
  const layout = layoutOf(x.shape, axes);
  const [results, count] = [sizeOf(layout.kept.extents), sizeOf(layout.reduced.extents)];
  const fold = name === 'mean' ? 'sum' : name;
  const divisor = name === 'mean' ? count : 1;
  const chunking = shareOut(count, 1, results);
  const { chunks } = chunking;
  const first = reduceStep(fold, layout, chunking, { input: 0 }, chunks === 1 ? divisor : 1);
  if (chunks === 1) {
    return { steps: [first], outputs: [0] };
  }
  const rest = reduceStep(fold, layoutOf([chunks, results], [0]), { chunk: chunks, chunks: 1 }, { step: 0 }, divisor);
  return { steps: [first, rest], outputs: [1] };
};
