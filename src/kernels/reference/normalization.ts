/**
 * Batch normalisation (per channel over a batch) and mean-variance normalisation (over any axes) with
 * their gradients. Statistics are biased and computed in two passes in double precision.
 *
 * With m elements, r = 1 / sqrt(variance + epsilon) and y = (x - mean) r, the gradient of the
 * normalisation is dx = r (g - mean(g) - y mean(g y)): x also acts through the mean and the variance
 * (Ioffe and Szegedy, "Batch Normalization", 2015, section 3).
 */
import { allocateArray, type TypedArray } from '../dtype.js';
import { allAxesBut, groupAlong } from './groups.js';
import type { ReferenceKernel } from './kernel.js';

function meanOf(values: TypedArray, start: number, steps: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < steps.length; i++) {
    sum += values[start + steps[i]];
  }
  return sum / steps.length;
}

function varianceOf(values: TypedArray, start: number, steps: Int32Array, mean: number): number {
  let sum = 0;
  for (let i = 0; i < steps.length; i++) {
    const difference = values[start + steps[i]] - mean;
    sum += difference * difference;
  }
  return sum / steps.length;
}

/** y = (x - mean) * scale + shift on one group. Not x * scale + (shift - mean * scale): that loses digits to a large mean. */
function normalize(
  x: TypedArray,
  y: TypedArray,
  start: number,
  steps: Int32Array,
  mean: number,
  scale: number,
  shift: number,
): void {
  for (let i = 0; i < steps.length; i++) {
    const position = start + steps[i];
    y[position] = (x[position] - mean) * scale + shift;
  }
}

export const batchNormStatistics: ReferenceKernel<'batchNormStatistics'> = (
  [x, gamma, beta],
  { epsilon },
  [means, variances, shifts],
) => {
  const { starts, steps } = groupAlong(x.shape, allAxesBut(x.shape.length, 1));
  for (let channel = 0; channel < starts.length; channel++) {
    const mean = meanOf(x.values, starts[channel], steps);
    const variance = varianceOf(x.values, starts[channel], steps, mean);
    means.values[channel] = mean;
    variances.values[channel] = variance;
    const scale = gamma.values[channel] / Math.sqrt(variance + epsilon);
    shifts.values[channel] = beta.values[channel] - (mean - means.values[channel]) * scale;
  }
};

export const batchNormInference: ReferenceKernel<'batchNormInference'> = (
  [x, gamma, beta, means, variances],
  { epsilon },
  [y],
) => {
  const { starts, steps } = groupAlong(x.shape, allAxesBut(x.shape.length, 1));
  for (let channel = 0; channel < starts.length; channel++) {
    const scale = gamma.values[channel] / Math.sqrt(variances.values[channel] + epsilon);
    normalize(x.values, y.values, starts[channel], steps, means.values[channel], scale, beta.values[channel]);
  }
};

export const batchNorm: ReferenceKernel<'batchNorm'> = ([x, gamma, beta], attributes, [y, means, variances]) => {
  const shifts = { ...beta, values: allocateArray(beta.dtype, beta.values.length) };
  batchNormStatistics([x, gamma, beta], attributes, [means, variances, shifts]);
  batchNormInference([x, gamma, shifts, means, variances], attributes, [y]);
};

export const batchNormGradient: ReferenceKernel<'batchNormGradient'> = (
  [g, x, gamma, means, variances],
  { epsilon },
  [dx, dgamma, dbeta],
) => {
  const { starts, steps } = groupAlong(x.shape, allAxesBut(x.shape.length, 1));
  const gradient = g.values;
  const input = x.values;
  const output = dx.values;
  for (let channel = 0; channel < starts.length; channel++) {
    const start = starts[channel];
    const mean = means.values[channel];
    const inverse = 1 / Math.sqrt(variances.values[channel] + epsilon);
    let sum = 0;
    let product = 0;
    for (let i = 0; i < steps.length; i++) {
      const position = start + steps[i];
      sum += gradient[position];
      product += gradient[position] * (input[position] - mean);
    }
    product *= inverse;
    dgamma.values[channel] = product;
    dbeta.values[channel] = sum;
    const scale = gamma.values[channel] * inverse;
    const meanGradient = sum / steps.length;
    const slope = (product / steps.length) * inverse;
    for (let i = 0; i < steps.length; i++) {
      const position = start + steps[i];
      output[position] = scale * (gradient[position] - meanGradient - (input[position] - mean) * slope);
    }
  }
};

export const mvn: ReferenceKernel<'mvn'> = ([x], { axes, epsilon }, [y]) => {
  const { starts, steps } = groupAlong(x.shape, axes);
  for (const start of starts) {
    const mean = meanOf(x.values, start, steps);
    const variance = varianceOf(x.values, start, steps, mean);
    normalize(x.values, y.values, start, steps, mean, 1 / Math.sqrt(variance + epsilon), 0);
  }
};

export const mvnGradient: ReferenceKernel<'mvnGradient'> = ([g, y, x], { axes, epsilon }, [dx]) => {
  const { starts, steps } = groupAlong(x.shape, axes);
  const gradient = g.values;
  const normalized = y.values;
  const output = dx.values;
  for (const start of starts) {
    const variance = varianceOf(x.values, start, steps, meanOf(x.values, start, steps));
    const inverse = 1 / Math.sqrt(variance + epsilon);
    let sum = 0;
    let product = 0;
    for (let i = 0; i < steps.length; i++) {
      const position = start + steps[i];
      sum += gradient[position];
      product += gradient[position] * normalized[position];
    }
    const meanGradient = sum / steps.length;
    const slope = product / steps.length;
    for (let i = 0; i < steps.length; i++) {
      const position = start + steps[i];
      output[position] = inverse * (gradient[position] - meanGradient - normalized[position] * slope);
    }
  }
};
