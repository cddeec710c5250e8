/**
 * PyTorch's Adam and AdamW updates, one launch per parameter: each of the three results computes the new moments that it
 * needs. The rates are arguments, so that a schedule and the step's number do not compile a kernel per step.
 */
import { independentSteps, input, type ProgramWriter, sizeOf } from '../program.js';

const SLOPE = 'const slope = gradient[this.thread.x] + penalty * parameter[this.thread.x];';
const MEAN = 'const mean = first[this.thread.x] + share * (slope - first[this.thread.x]);';
const SQUARE = 'const square = decay * second[this.thread.x] + squareShare * slope * slope;';

export const adamUpdate: ProgramWriter<'adamUpdate'> = (
  [parameter],
  { learningRate, beta1, beta2, epsilon, weightDecay, decoupled, step },
) => {
  const length = sizeOf(parameter.shape);
  const [p, g, first, second] = [0, 1, 2, 3].map(input);
  const stepSize = learningRate / (1 - beta1 ** step);
  const correction = Math.sqrt(1 - beta2 ** step);
  const shrink = decoupled ? 1 - learningRate * weightDecay : 1;
  const penalty = decoupled ? 0 : weightDecay;
  return independentSteps([
    {
      source: `function (parameter, gradient, first, second, penalty, share, decay, squareShare, shrink, stepSize, correction, epsilon) {
    ${SLOPE}
    ${MEAN}
    ${SQUARE}
    const divisor = Math.sqrt(square) / correction + epsilon;
    return parameter[this.thread.x] * shrink - stepSize * mean / divisor;
  }`,
      length,
      arguments: [p, g, first, second, penalty, 1 - beta1, beta2, 1 - beta2, shrink, stepSize, correction, epsilon],
    },
    {
      source: `function (parameter, gradient, first, penalty, share) {
    ${SLOPE}
    ${MEAN}
    return mean;
  }`,
      length,
      arguments: [p, g, first, penalty, 1 - beta1],
    },
    {
      source: `function (parameter, gradient, second, penalty, decay, squareShare) {
    ${SLOPE}
    ${SQUARE}
    return square;
  }`,
      length,
      arguments: [p, g, second, penalty, beta2, 1 - beta2],
    },
  ]);
};
