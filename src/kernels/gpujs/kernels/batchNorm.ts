/**
 * Batch normalization: the batch's statistics (moments.ts), the normalization with given statistics,
 * both together, and the gradient. The formulas are those of reference/normalization.ts.
 */
import type { TensorType } from '../../contract.js';
import { allAxesBut } from '../../reference/groups.js';
import { input, type ProgramWriter, type Step, type StepArgument, sizeOf } from '../program.js';
import { type Grouping, groupElements } from './grouping.js';
import { groupStep, momentSums, termSums } from './moments.js';

const channelsOf = ({ shape }: TensorType): Grouping => groupElements(shape, allAxesBut(shape.length, 1));

/** The steps of the batch's mean, variance and shift; the last three compute these. */
function statisticsSteps(grouping: Grouping, epsilon: number): Step[] {
  const sums = momentSums(grouping, input(0), 0);
  return [
    ...sums.chunkSteps,
    groupStep(grouping, [sums], { body: 'const result = mean;' }),
    groupStep(grouping, [sums], { body: 'const result = variance;' }),
    groupStep(grouping, [sums], {
      body: `const result = beta[group] - residual * gamma[group] / Math.sqrt(variance + ${epsilon});`,
      parameters: { gamma: input(1), beta: input(2) },
    }),
  ];
}

export const batchNormStatistics: ProgramWriter<'batchNormStatistics'> = ([x], { epsilon }) => {
  const steps = statisticsSteps(channelsOf(x), epsilon);
  return { steps, outputs: [steps.length - 3, steps.length - 2, steps.length - 1] };
};

/** Normalizes x with mean and variance; then scales with gamma and adds the shift. */
const normalizeStep = (x: TensorType, epsilon: number, statistics: readonly StepArgument[]): Step => ({
  source: `function (x, gamma, shift, means, variances) {
    ${channelsOf(x).groupOf('this.thread.x')}
    const scale = gamma[group] / Math.sqrt(variances[group] + ${epsilon});
    return (x[this.thread.x] - means[group]) * scale + shift[group];
  }`,
  length: sizeOf(x.shape),
  arguments: [input(0), input(1), ...statistics],
});

export const batchNormInference: ProgramWriter<'batchNormInference'> = ([x], { epsilon }) => ({
  steps: [normalizeStep(x, epsilon, [input(2), input(3), input(4)])],
  outputs: [0],
});

export const batchNorm: ProgramWriter<'batchNorm'> = ([x], { epsilon }) => {
  const statistics = statisticsSteps(channelsOf(x), epsilon);
  const mean = statistics.length - 3;
  const [variance, shift, y] = [mean + 1, mean + 2, mean + 3];
  return {
    steps: [...statistics, normalizeStep(x, epsilon, [{ step: shift }, { step: mean }, { step: variance }])],
    outputs: [y, mean, variance],
  };
};

export const batchNormGradient: ProgramWriter<'batchNormGradient'> = ([, x], { epsilon }) => {
  const grouping = channelsOf(x);
  const arrays = { g: input(0), x: input(1), means: input(3) };
  const sums = termSums(
    grouping,
    { sum: 'g[position]', product: 'g[position] * (x[position] - center)' },
    arrays,
    'const center = means[group];',
    0,
  );
  const dgamma = sums.chunkSteps.length;
  const [dbeta, dx] = [dgamma + 1, dgamma + 2];
  return {
    steps: [
      ...sums.chunkSteps,
      groupStep(grouping, [sums], {
        body: `const result = product / Math.sqrt(variances[group] + ${epsilon});`,
        parameters: { variances: input(4) },
      }),
      groupStep(grouping, [sums], { body: 'const result = sum;' }),
      {
        source: `function (g, x, gamma, means, variances, dgamma, dbeta) {
    ${grouping.groupOf('this.thread.x')}
    const inverse = 1 / Math.sqrt(variances[group] + ${epsilon});
    const slope = dgamma[group] / ${grouping.elements} * inverse;
    const centered = g[this.thread.x] - dbeta[group] / ${grouping.elements};
    return gamma[group] * inverse * (centered - (x[this.thread.x] - means[group]) * slope);
  }`,
        length: sizeOf(x.shape),
        arguments: [...[0, 1, 2, 3, 4].map(input), { step: dgamma }, { step: dbeta }],
      },
    ],
    outputs: [dx, dgamma, dbeta],
  };
};
