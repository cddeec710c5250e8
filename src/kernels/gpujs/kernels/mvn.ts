/** Mean-variance normalization over any axes, and its gradient. The formulas are those of reference/normalization.ts. */
import { input, type ProgramWriter, sizeOf } from '../program.js';
import { groupElements } from './grouping.js';
import { groupStep, momentSums, termSums } from './moments.js';

const inverseOf = (epsilon: number): string => `const result = 1 / Math.sqrt(variance + ${epsilon});`;

export const mvn: ProgramWriter<'mvn'> = ([x], { axes, epsilon }) => {
  const grouping = groupElements(x.shape, axes);
  const sums = momentSums(grouping, input(0), 0);
  const first = sums.chunkSteps.length;
  return {
    steps: [
      ...sums.chunkSteps,
      groupStep(grouping, [sums], { body: 'const result = mean;' }),
      // What rounding took from the mean matters where the elements are far from zero.
      groupStep(grouping, [sums], { body: 'const result = residual;' }),
      groupStep(grouping, [sums], { body: inverseOf(epsilon) }),
      {
        source: `function (x, means, residuals, inverses) {
    ${grouping.groupOf('this.thread.x')}
    return ((x[this.thread.x] - means[group]) - residuals[group]) * inverses[group];
  }`,
        length: sizeOf(x.shape),
        arguments: [input(0), { step: first }, { step: first + 1 }, { step: first + 2 }],
      },
    ],
    outputs: [first + 3],
  };
};

export const mvnGradient: ProgramWriter<'mvnGradient'> = ([, , x], { axes, epsilon }) => {
  const grouping = groupElements(x.shape, axes);
  const { elements } = grouping;
  const moments = momentSums(grouping, input(2), 0);
  const terms = { sum: 'g[position]', product: 'g[position] * y[position]' };
  const sums = termSums(grouping, terms, { g: input(0), y: input(1) }, '', moments.chunkSteps.length);
  const first = moments.chunkSteps.length + sums.chunkSteps.length;
  return {
    steps: [
      ...moments.chunkSteps,
      ...sums.chunkSteps,
      groupStep(grouping, [moments], { body: inverseOf(epsilon) }),
      groupStep(grouping, [sums], { body: `const result = sum / ${elements};` }),
      groupStep(grouping, [sums], { body: `const result = product / ${elements};` }),
      {
        source: `function (g, y, inverses, meanGradients, slopes) {
    ${grouping.groupOf('this.thread.x')}
    return inverses[group] * (g[this.thread.x] - meanGradients[group] - y[this.thread.x] * slopes[group]);
  }`,
        length: sizeOf(x.shape),
        arguments: [input(0), input(1), { step: first }, { step: first + 1 }, { step: first + 2 }],
      },
    ],
    outputs: [first + 3],
  };
};
