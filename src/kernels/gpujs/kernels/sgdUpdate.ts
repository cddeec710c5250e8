/**
 * PyTorch's SGD update, one launch per parameter: the step of the parameter computes the new momentum again rather
 * than wait for it. The rates are arguments, so that a schedule does not compile a kernel per step.
 */
import { independentSteps, input, type ProgramWriter, sizeOf } from '../program.js';

const SLOPE = 'const slope = gradient[this.thread.x] + weightDecay * parameter[this.thread.x];';
const FIRST_MOMENTUM = `${SLOPE}
  const newBuffer = slope;`;
const NEXT_MOMENTUM = `${SLOPE}
  const newBuffer = momentum * buffer[this.thread.x] + share * slope;`;

export const sgdUpdate: ProgramWriter<'sgdUpdate'> = ([parameter], attributes) => {
  const { learningRate, momentum, dampening, weightDecay, nesterov, first } = attributes;
  const length = sizeOf(parameter.shape);
  const arrays = [0, 1, 2].map(input);
  if (momentum === 0) {
    return independentSteps([
      {
        source: `function (parameter, gradient, learningRate, weightDecay) {
          ${SLOPE}
          return parameter[this.thread.x] - learningRate * slope;
        }`,
        length,
        arguments: [...arrays.slice(0, 2), learningRate, weightDecay],
      },
      { source: 'function (buffer) { return buffer[this.thread.x]; }', length, arguments: [arrays[2]] },
    ]);
  }
  const [names, read, body] = first
    ? ['parameter, gradient', arrays.slice(0, 2), FIRST_MOMENTUM]
    : ['parameter, gradient, buffer', arrays, NEXT_MOMENTUM];
  const step = nesterov ? 'slope + momentum * newBuffer' : 'newBuffer';
  const rates = [weightDecay, momentum, 1 - dampening];
  return independentSteps([
    {
      source: `function (${names}, weightDecay, momentum, share, learningRate) {
        ${body}
        const step = ${step};
        return parameter[this.thread.x] - learningRate * step;
      }`,
      length,
      arguments: [...read, ...rates, learningRate],
    },
    {
      source: `function (${names}, weightDecay, momentum, share) {
        ${body}
        return newBuffer;
      }`,
      length,
      arguments: [...read, ...rates],
    },
  ]);
};
