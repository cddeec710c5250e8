/**
 * Sums, mean and variance over groups of elements, for the normalizations.
 *
 * A short group is one thread's. A long one is shared out (chunks.ts), and what a chunk tells of its
 * elements is its own mean, the sum of their differences from that mean (what rounding took from it),
 * and the sum of those differences' squares. From these the group's variance is computed about its
 * mean, as in a second pass over the elements: Chan, Golub and LeVeque, "Updating formulae and a pairwise
 * algorithm for computing sample variances", 1979. Two launches, and no difference of large squares.
 *
 * The chunks of a group are interleaved, so that neighbouring threads read neighbouring elements.
 */
import type { Step, StepArgument } from '../program.js';
import { type Chunking, shareOut } from './chunks.js';
import type { Grouping } from './grouping.js';
import { splitIndex } from './source.js';

/** Something that is computed once per group from arrays and from sums over the group's elements. */
export interface GroupResult {
  /** Statements that may use `group`, the parameters and the sums; one declares `result`. */
  readonly body: string;
  /** Parameters besides those of the sums, and what they stand for. */
  readonly parameters?: Readonly<Record<string, StepArgument>>;
}

/** The first launch of a group's sums, if there is one, and the source of what the second reads from it. */
export interface GroupSums {
  readonly chunkSteps: readonly Step[];
  /** Parameters of the sources that compute a group's results. */
  readonly parameters: Readonly<Record<string, StepArgument>>;
  /** Declares the sums, given `group`. */
  readonly declare: string;
}

/** Statements for the variable `each` at every element of chunk `chunk` of `group`, in a loop of its own. */
const overChunk = (grouping: Grouping, { chunk, chunks }: Chunking, body: string): string => `
    for (let k = 0; k < ${chunk}; k++) {
      const element = k * ${chunks} + chunk;
      if (element < ${grouping.elements}) {
        ${grouping.positionOf('element')}
        ${body}
      }
    }`;

/** A step that computes something of every chunk, chunk by chunk of each group. */
function chunkStep(
  grouping: Grouping,
  { chunks }: Chunking,
  parameters: Readonly<Record<string, StepArgument>>,
  body: string,
  result: string,
): Step {
  return {
    source: `function (${Object.keys(parameters).join(', ')}) {
    ${splitIndex('this.thread.x', chunks, 'group', 'chunk')}
    ${grouping.start}
    ${body}
    return ${result};
  }`,
    length: grouping.groups * chunks,
    arguments: Object.values(parameters),
  };
}

/** Declares `count`, the number of elements of chunk `k`. */
const countOf = ({ elements }: Grouping, { chunks }: Chunking, k: string): string =>
  elements % chunks === 0
    ? `const count = ${elements / chunks};`
    : `let count = ${Math.floor(elements / chunks)};
      if (${k} < ${elements % chunks}) { count = count + 1; }`;

/** Declares `chunkMean`, rounded as it is stored. */
const chunkMean = (grouping: Grouping, chunking: Chunking): string => `
    ${countOf(grouping, chunking, 'chunk')}
    let total = 0;
    ${overChunk(grouping, chunking, 'total = total + x[position];')}
    const chunkMean = Math.fround(total / count);`;

/** Declares `residual`, the sum of the differences from `chunkMean`, and `squares`, that of their squares. */
const chunkDifferences = (grouping: Grouping, chunking: Chunking): string => `
    let residual = 0;
    let squares = 0;
    ${overChunk(
      grouping,
      chunking,
      `const difference = x[position] - chunkMean;
        residual = residual + difference;
        squares = squares + difference * difference;`,
    )}`;

/** What makes a variance of rounding errors alone zero; NaN stays. */
const CLAMP = 'if (variance < 0) { variance = 0; }';

/**
 * The sums behind `mean` (float32), `residual` (the true mean less `mean`) and `variance` (biased, about the true mean)
 * of x's groups.
 * @param firstStep Number of the first of the steps in the program.
 */
export function momentSums(grouping: Grouping, x: StepArgument, firstStep: number): GroupSums {
  const { groups, elements } = grouping;
  const chunking = shareOut(elements, 1, groups);
  const { chunks } = chunking;
  if (chunks === 1) {
    return {
      chunkSteps: [],
      parameters: { x },
      declare: `
    ${chunkMean(grouping, chunking)}
    ${chunkDifferences(grouping, chunking)}
    const mean = chunkMean;
    residual = residual / ${elements};
    let variance = squares / ${elements} - residual * residual;
    ${CLAMP}`,
    };
  }
  const both = chunkMean(grouping, chunking) + chunkDifferences(grouping, chunking);
  const step = (body: string, result: string): Step => chunkStep(grouping, chunking, { x }, body, result);
  return {
    chunkSteps: [step(chunkMean(grouping, chunking), 'chunkMean'), step(both, 'residual'), step(both, 'squares')],
    parameters: {
      means: { step: firstStep },
      residuals: { step: firstStep + 1 },
      squareSums: { step: firstStep + 2 },
    },
    // Differences from a chunk's mean are small where the elements are far from zero. An infinite mean has none.
    declare: `
    let pivot = means[group * ${chunks}];
    if (!(Math.abs(pivot) < 1000000000)) { pivot = 0; }
    let total = 0;
    for (let k = 0; k < ${chunks}; k++) {
      ${countOf(grouping, chunking, 'k')}
      total = total + count * (means[group * ${chunks} + k] - pivot);
    }
    const mean = Math.fround(pivot + total / ${elements});
    let residual = 0;
    let variance = 0;
    for (let k = 0; k < ${chunks}; k++) {
      ${countOf(grouping, chunking, 'k')}
      const offset = means[group * ${chunks} + k] - mean;
      const rest = residuals[group * ${chunks} + k];
      residual = residual + rest + count * offset;
      variance = variance + squareSums[group * ${chunks} + k] + offset * (2 * rest + count * offset);
    }
    residual = residual / ${elements};
    variance = variance / ${elements} - residual * residual;
    ${CLAMP}`,
  };
}

/**
 * The sums `names[i]` of the expressions `terms[i]`, in which `position` is an element's place.
 * @param parameters The arrays, by the names that the terms use.
 * @param perGroup Statements that declare what the terms need of the variable `group`.
 * @param firstStep Number of the first of the steps in the program.
 */
export function termSums(
  grouping: Grouping,
  terms: Readonly<Record<string, string>>,
  parameters: Readonly<Record<string, StepArgument>>,
  perGroup: string,
  firstStep: number,
): GroupSums {
  const chunking = shareOut(grouping.elements, 1, grouping.groups);
  const { chunks } = chunking;
  const names = Object.keys(terms);
  const declarations = names.map((name) => `let ${name} = 0;`).join(' ');
  if (chunks === 1) {
    const body = names.map((name) => `${name} = ${name} + ${terms[name]};`).join('\n        ');
    return {
      chunkSteps: [],
      parameters,
      declare: `${perGroup} ${declarations} ${overChunk(grouping, chunking, body)}`,
    };
  }
  return {
    chunkSteps: names.map((name) =>
      chunkStep(
        grouping,
        chunking,
        parameters,
        `${perGroup} let total = 0; ${overChunk(grouping, chunking, `total = total + ${terms[name]};`)}`,
        'total',
      ),
    ),
    parameters: Object.fromEntries(names.map((name, index) => [`${name}Chunks`, { step: firstStep + index }])),
    declare: `${declarations}
    for (let k = 0; k < ${chunks}; k++) {
      ${names.map((name) => `${name} = ${name} + ${name}Chunks[group * ${chunks} + k];`).join('\n      ')}
    }`,
  };
}

/** A step that computes a result of every group from the sums over its elements. */
export function groupStep(
  grouping: Grouping,
  sums: readonly GroupSums[],
  { body, parameters = {} }: GroupResult,
): Step {
  const all = Object.assign({}, ...sums.map((each) => each.parameters), parameters) as Record<string, StepArgument>;
  const isShort = sums.every(({ chunkSteps }) => chunkSteps.length === 0);
  return {
    source: `function (${Object.keys(all).join(', ')}) {
    const group = this.thread.x;
    ${isShort ? `const chunk = 0; ${grouping.start}` : ''}
    ${sums.map(({ declare }) => declare).join('\n')}
    ${body}
    return result;
  }`,
    length: grouping.groups,
    arguments: Object.values(all),
  };
}
