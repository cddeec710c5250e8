/**
 * Parameter updates of SGD, Adam, AdamW and RMSprop, as PyTorch's single-tensor implementations
 * (torch/optim/{sgd,adam,adamw,rmsprop}.py) compute them. Each step is evaluated in double
 * precision and rounded once, when the state is stored.
 */
import type { ReferenceKernel } from './kernel.js';

export const sgdUpdate: ReferenceKernel<'sgdUpdate'> = (
  [parameter, gradient, buffer],
  attributes,
  [newParameter, newBuffer],
) => {
  const { learningRate, momentum, dampening, weightDecay, nesterov, first } = attributes;
  const [ps, gs, bs] = [parameter.values, gradient.values, buffer.values];
  const [newPs, newBs] = [newParameter.values, newBuffer.values];
  for (let index = 0; index < newPs.length; index++) {
    const slope = gs[index] + weightDecay * ps[index];
    let step = slope;
    if (momentum !== 0) {
      newBs[index] = first ? slope : momentum * bs[index] + (1 - dampening) * slope;
      step = nesterov ? slope + momentum * newBs[index] : newBs[index];
    } else {
      newBs[index] = bs[index];
    }
    newPs[index] = ps[index] - learningRate * step;
  }
};

export const adamUpdate: ReferenceKernel<'adamUpdate'> = (
  [parameter, gradient, firstMoment, secondMoment],
  { learningRate, beta1, beta2, epsilon, weightDecay, decoupled, step },
  [newParameter, newFirst, newSecond],
) => {
  const stepSize = learningRate / (1 - beta1 ** step);
  const secondCorrection = Math.sqrt(1 - beta2 ** step);
  const shrink = decoupled ? 1 - learningRate * weightDecay : 1;
  const penalty = decoupled ? 0 : weightDecay;
  const [ps, gs, ms, vs] = [parameter.values, gradient.values, firstMoment.values, secondMoment.values];
  const [newPs, newMs, newVs] = [newParameter.values, newFirst.values, newSecond.values];
  for (let index = 0; index < newPs.length; index++) {
    const slope = gs[index] + penalty * ps[index];
    const mean = ms[index] + (1 - beta1) * (slope - ms[index]);
    const square = beta2 * vs[index] + (1 - beta2) * slope * slope;
    newMs[index] = mean;
    newVs[index] = square;
    newPs[index] = ps[index] * shrink - (stepSize * mean) / (Math.sqrt(square) / secondCorrection + epsilon);
  }
};

export const rmspropUpdate: ReferenceKernel<'rmspropUpdate'> = (
  [parameter, gradient, squareAverage, buffer, gradientAverage],
  { learningRate, alpha, epsilon, weightDecay, momentum, centered },
  [newParameter, newSquareAverage, newBuffer, newGradientAverage],
) => {
  const [ps, gs, ss, bs, as] = [parameter, gradient, squareAverage, buffer, gradientAverage].map((each) => each.values);
  const [newPs, newSs, newBs, newAs] = [newParameter, newSquareAverage, newBuffer, newGradientAverage].map(
    (each) => each.values,
  );
  for (let index = 0; index < newPs.length; index++) {
    const slope = gs[index] + weightDecay * ps[index];
    const square = alpha * ss[index] + (1 - alpha) * slope * slope;
    const mean = centered ? as[index] + (1 - alpha) * (slope - as[index]) : as[index];
    // The variance is not negative, but the rounded averages can say so when the gradient is constant.
    const variance = centered ? Math.max(square - mean * mean, 0) : square;
    const direction = slope / (Math.sqrt(variance) + epsilon);
    const step = momentum > 0 ? momentum * bs[index] + direction : direction;
    newSs[index] = square;
    newAs[index] = mean;
    newBs[index] = momentum > 0 ? step : bs[index];
    newPs[index] = ps[index] - learningRate * step;
  }
};
