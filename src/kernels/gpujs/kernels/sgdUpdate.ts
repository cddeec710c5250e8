/**
 * PyTorch's SGD update. The rates are arguments, so that a schedule does not compile a kernel per
 * step. The parameter's step reads the momentum that the first step has just written.
 */
import { input, type ProgramWriter, type Step, type StepArgument, sizeOf } from '../program.js';

const SLOPE = 'const slope = gradient[this.thread.x] + weightDecay * parameter[this.thread.x];';

export const sgdUpdate: ProgramWriter<'sgdUpdate'> = ([parameter], attributes) => {
  const { learningRate, momentum, dampening, weightDecay, nesterov, first } = attributes;
  const length = sizeOf(parameter.shape);
  const [parameterInput, gradientInput, bufferInput]: StepArgument[] = [0, 1, 2].map(input);

  if (momentum === 0) {
    return {
      steps: [
        {
          source: `function (parameter, gradient, learningRate, weightDecay) {
            ${SLOPE}
            return parameter[this.thread.x] - learningRate * slope;
          }`,
          length,
          arguments: [parameterInput, gradientInput, learningRate, weightDecay],
        },
        { source: 'function (buffer) { return buffer[this.thread.x]; }', length, arguments: [bufferInput] },
      ],
      outputs: [0, 1],
    };
  }

  const bufferStep: Step = first
    ? {
        source: `function (parameter, gradient, weightDecay) {
          ${SLOPE}
          return slope;
        }`,
        length,
        arguments: [parameterInput, gradientInput, weightDecay],
      }
    : {
        source: `function (parameter, gradient, buffer, weightDecay, momentum, share) {
          ${SLOPE}
          return momentum * buffer[this.thread.x] + share * slope;
        }`,
        length,
        arguments: [parameterInput, gradientInput, bufferInput, weightDecay, momentum, 1 - dampening],
      };
  const parameterStep: Step = nesterov
    ? {
        source: `function (parameter, gradient, newBuffer, learningRate, weightDecay, momentum) {
          ${SLOPE}
          const step = slope + momentum * newBuffer[this.thread.x];
          return parameter[this.thread.x] - learningRate * step;
        }`,
        length,
        arguments: [parameterInput, gradientInput, { step: 0 }, learningRate, weightDecay, momentum],
      }
    : {
        source: `function (parameter, newBuffer, learningRate) {
          return parameter[this.thread.x] - learningRate * newBuffer[this.thread.x];
        }`,
        length,
        arguments: [parameterInput, { step: 0 }, learningRate],
      };
  return { steps: [bufferStep, parameterStep], outputs: [1, 0] };
};
