/**
 * PyTorch's RMSprop update, one launch per parameter: each of the four results computes what it needs of the others. The
 * rates are arguments, so that a schedule does not compile a kernel per step.
 */
import { independentSteps, input, type ProgramWriter, type Step, sizeOf } from '../program.js';

const SLOPE = 'const slope = gradient[this.thread.x] + weightDecay * parameter[this.thread.x];';
const SQUARE = 'const square = alpha * average[this.thread.x] + share * slope * slope;';
const MEAN = 'const mean = gradientAverage[this.thread.x] + share * (slope - gradientAverage[this.thread.x]);';
// The variance is not negative, but the rounded averages can say so when the gradient is constant.
const VARIANCE = `${MEAN}
    let variance = square - mean * mean;
    if (variance < 0) { variance = 0; }`;

export const rmspropUpdate: ProgramWriter<'rmspropUpdate'> = (
  [parameter],
  { learningRate, alpha, epsilon, weightDecay, momentum, centered },
) => {
  const length = sizeOf(parameter.shape);
  const [p, g, average, buffer, gradientAverage] = [0, 1, 2, 3, 4].map(input);
  const share = 1 - alpha;
  const hasMomentum = momentum > 0;

  /** A step that reads all that `move`, the step of the parameter, depends on, and returns `result`. */
  const moved = (result: string): Step => {
    const needed = [
      ['parameter', p],
      ['gradient', g],
      ['average', average],
      ...(hasMomentum ? ([['buffer', buffer]] as const) : []),
      ...(centered ? ([['gradientAverage', gradientAverage]] as const) : []),
      ['weightDecay', weightDecay],
      ['alpha', alpha],
      ['share', share],
      ['epsilon', epsilon],
      ['momentum', momentum],
      ['learningRate', learningRate],
    ] as const;
    return {
      source: `function (${needed.map(([name]) => name).join(', ')}) {
    ${SLOPE}
    ${SQUARE}
    ${centered ? VARIANCE : 'const variance = square;'}
    const direction = slope / (Math.sqrt(variance) + epsilon);
    const move = ${hasMomentum ? 'momentum * buffer[this.thread.x] + direction' : 'direction'};
    return ${result};
  }`,
      length,
      arguments: needed.map(([, argument]) => argument),
    };
  };
  const copy = (index: number): Step => ({
    source: 'function (x) { return x[this.thread.x]; }',
    length,
    arguments: [input(index)],
  });

  return independentSteps([
    moved('parameter[this.thread.x] - learningRate * move'),
    {
      source: `function (parameter, gradient, average, weightDecay, alpha, share) {
    ${SLOPE}
    ${SQUARE}
    return square;
  }`,
      length,
      arguments: [p, g, average, weightDecay, alpha, share],
    },
    hasMomentum ? moved('move') : copy(3),
    centered
      ? {
          source: `function (parameter, gradient, gradientAverage, weightDecay, share) {
    ${SLOPE}
    ${MEAN}
    return mean;
  }`,
          length,
          arguments: [p, g, gradientAverage, weightDecay, share],
        }
      : copy(4),
  ]);
};
