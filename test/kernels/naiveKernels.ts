/** The naive definitions of all kernels by name, in the form that the conformance suite compares with. */

import type { KernelName } from '../../src/kernels/contract.js';
import * as naive from './naive.js';
import { NAIVE_ELEMENTWISE } from './naiveElementwise.js';
import { NAIVE_INDEXING } from './naiveIndexing.js';
import { NAIVE_QUANTIZATION } from './naiveQuantization.js';
import type { NaiveKernels } from './naiveTools.js';

type NeuralKernel = Exclude<
  KernelName,
  keyof typeof NAIVE_ELEMENTWISE | keyof typeof NAIVE_INDEXING | keyof typeof NAIVE_QUANTIZATION
>;

/** For every element, the positions of those that agree with it on every axis but `axes`. */
function groupsOf(shape: readonly number[], axes: readonly number[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  return Array.from(naive.indicesOf(shape), (index, position) => {
    const key = index.filter((_, axis) => !axes.includes(axis)).join();
    const group = groups.get(key) ?? [];
    group.push(position);
    groups.set(key, group);
    return group;
  });
}

/** sqrt(variance + epsilon) of each element's group. */
function groupDeviations(x: naive.Tensor, axes: readonly number[], epsilon: number): number[] {
  const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return groupsOf(x.shape, axes).map((group) => {
    const members = group.map((position) => x.values[position]);
    const mean = average(members);
    return Math.sqrt(average(members.map((value) => (value - mean) ** 2)) + epsilon);
  });
}

/**
 * Gradient of y = (x - mean) / deviation with respect to x, where mean and deviation are those of the elements that
 * agree on every axis but `axes`: the sum over j of g_j dy_j / dx_i, with
 * dy_j / dx_i = ([i = j] - 1 / n - y_i y_j / n) / deviation.
 */
function normalizationGradient(
  shape: readonly number[],
  axes: readonly number[],
  g: readonly number[],
  y: readonly number[],
  deviation: readonly number[],
): number[] {
  return groupsOf(shape, axes).map((group, i) => {
    const slope = (j: number): number =>
      (Number(i === j) - 1 / group.length - (y[i] * y[j]) / group.length) / deviation[i];
    return group.reduce((sum, j) => sum + g[j] * slope(j), 0);
  });
}

const NAIVE_NEURAL: NaiveKernels<NeuralKernel> = {
  matMul: ([a, b], attributes, [y]) => [naive.matMul(a, b, attributes, y.shape)],
  conv2d: ([x, w], attributes, [y]) => [naive.conv2d(x, w, attributes, y.shape)],
  conv2dInputGradient: ([g, w], attributes, [dx]) => [naive.conv2dInputGradient(g, w, attributes, dx.shape)],
  conv2dFilterGradient: ([x, g], attributes, [dw]) => [naive.conv2dFilterGradient(x, g, attributes, dw.shape)],
  maxPool2d: ([x], attributes, [y]) => {
    const { values, indices } = naive.maxPool2d(x, attributes, y.shape);
    return [values, indices];
  },
  maxPool2dGradient: ([g, indices], _, [dx]) => [naive.maxPool2dGradient(g, indices, dx.shape)],
  avgPool2d: ([x], attributes, [y]) => [naive.avgPool2d(x, attributes, y.shape)],
  avgPool2dGradient: ([g], attributes, [dx]) => [naive.avgPool2dGradient(g, attributes, dx.shape)],
  adaptiveAvgPool2d: ([x], _, [y]) => [naive.adaptiveAvgPool2d(x, y.shape)],
  adaptiveAvgPool2dGradient: ([g], _, [dx]) => [naive.adaptiveAvgPool2dGradient(g, dx.shape)],
  batchNorm: ([x, gamma, beta], { epsilon }) => {
    const { values, mean, variance } = naive.batchNorm(x, gamma.values, beta.values, epsilon);
    return [values, mean, variance];
  },
  batchNormStatistics: ([x, gamma, beta], { epsilon }, [meanType]) => {
    const { mean, variance } = naive.batchNorm(x, gamma.values, beta.values, epsilon);
    const round = meanType.dtype === 'float32' ? Math.fround : (value: number) => value;
    const shift = mean.map((value, channel) => {
      const slope = gamma.values[channel] / Math.sqrt(variance[channel] + epsilon);
      return beta.values[channel] - (value - round(value)) * slope;
    });
    return [mean, variance, shift];
  },
  batchNormInference: ([x, gamma, beta, mean, variance], { epsilon }) => [
    Float64Array.from(naive.indicesOf(x.shape), ([, channel], position) => {
      const slope = gamma.values[channel] / Math.sqrt(variance.values[channel] + epsilon);
      return (x.values[position] - mean.values[channel]) * slope + beta.values[channel];
    }),
  ],
  batchNormGradient: ([g, x, gamma, mean, variance], { epsilon }) => {
    const channels = Array.from(naive.indicesOf(x.shape), (index) => index[1]);
    const deviation = channels.map((channel) => Math.sqrt(variance.values[channel] + epsilon));
    const y = channels.map((channel, i) => (x.values[i] - mean.values[channel]) / deviation[i]);
    const scaled = channels.map((channel, i) => g.values[i] * gamma.values[channel]);
    const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const sums = [0, 1].map((power) => {
      const totals = new Array<number>(x.shape[1]).fill(0);
      channels.forEach((channel, i) => {
        totals[channel] += g.values[i] * y[i] ** power;
      });
      return totals;
    });
    return [normalizationGradient(x.shape, axes, scaled, y, deviation), sums[1], sums[0]];
  },
  softmax: ([x], { axis }) => [naive.softmax(x, axis)],
  logSoftmax: ([x], { axis }) => [naive.logSoftmax(x, axis)],
  mvn: ([x], attributes) => [naive.mvn(x, attributes)],
  mvnGradient: ([g, y, x], { axes, epsilon }) => {
    const deviation = groupDeviations(x, axes, epsilon);
    return [normalizationGradient(x.shape, axes, Array.from(g.values), Array.from(y.values), deviation)];
  },
  interpolate: ([x], attributes, [y]) => [naive.interpolate(x, attributes, y.shape)],
  interpolateGradient: ([g], attributes, [dx]) => [naive.interpolateGradient(g, attributes, dx.shape)],
};

export const NAIVE_KERNELS: NaiveKernels<KernelName> = {
  ...NAIVE_ELEMENTWISE,
  ...NAIVE_INDEXING,
  ...NAIVE_NEURAL,
  ...NAIVE_QUANTIZATION,
};
