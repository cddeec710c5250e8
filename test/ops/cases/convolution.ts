/** Gradient cases of the convolution family and of linear layers. */
import { applyOne } from '../../../src/autograd/dispatch.js';
import { conv2d, convTranspose2d } from '../../../src/ops/neural/conv2d.js';
import {
  CONVOLUTION,
  CONVOLUTION_BACKPROP,
  GROUP_CONVOLUTION,
  GROUP_CONVOLUTION_BACKPROP,
  gradientOfConvolution,
} from '../../../src/ops/neural/convolution.js';
import { linear } from '../../../src/ops/neural/linear.js';
import { MATMUL, matMul } from '../../../src/ops/neural/matMul.js';
import { normal, type OperationCase } from './operationCase.js';

const sameLower = {
  strides: [2, 1],
  dilations: [1, 1],
  padsBegin: [0, 0],
  padsEnd: [0, 0],
  autoPad: 'same_lower' as const,
};

export const cases: readonly OperationCase[] = [
  {
    operation: CONVOLUTION,
    name: 'bias and padding',
    inputs: (g) => [normal(g, [2, 2, 4, 3]), normal(g, [3, 2, 3, 2]), normal(g, [3])],
    run: (x, weight, bias) => conv2d(x, weight, bias, { padding: 1 }),
  },
  {
    operation: CONVOLUTION,
    name: 'strides that leave pixels over',
    inputs: (g) => [normal(g, [1, 2, 6, 7]), normal(g, [2, 2, 3, 2])],
    run: (x, weight) => conv2d(x, weight, null, { stride: [2, 3] }),
  },
  {
    operation: CONVOLUTION,
    name: 'asymmetric padding',
    inputs: (g) => [normal(g, [1, 1, 4, 4]), normal(g, [2, 1, 3, 3])],
    run: (x, weight) => conv2d(x, weight, null, { padding: [0, 1, 2, 3], stride: 2 }),
  },
  {
    operation: CONVOLUTION,
    name: 'same, the odd pixel after the image',
    inputs: (g) => [normal(g, [1, 1, 5, 4]), normal(g, [2, 1, 2, 3])],
    run: (x, weight) => conv2d(x, weight, null, { padding: 'same', stride: [1, 2] }),
  },
  {
    operation: CONVOLUTION,
    name: 'same, the odd pixel before the image',
    inputs: (g) => [normal(g, [1, 1, 5, 4]), normal(g, [2, 1, 2, 2])],
    run: (x, weight) => applyOne(CONVOLUTION, [x, weight], sameLower, gradientOfConvolution),
  },
  {
    operation: CONVOLUTION,
    name: 'dilation',
    inputs: (g) => [normal(g, [1, 2, 6, 5]), normal(g, [2, 2, 3, 2])],
    run: (x, weight) => conv2d(x, weight, null, { dilation: [2, 3], padding: 1 }),
  },
  {
    operation: GROUP_CONVOLUTION,
    name: 'two groups',
    inputs: (g) => [normal(g, [1, 4, 4, 4]), normal(g, [6, 2, 3, 3]), normal(g, [6])],
    run: (x, weight, bias) => conv2d(x, weight, bias, { groups: 2, padding: 1, stride: 2 }),
  },
  {
    operation: GROUP_CONVOLUTION,
    name: 'depthwise',
    inputs: (g) => [normal(g, [2, 3, 4, 4]), normal(g, [3, 1, 3, 3])],
    run: (x, weight) => conv2d(x, weight, null, { groups: 3, padding: 'same' }),
  },
  {
    operation: GROUP_CONVOLUTION,
    name: 'depthwise with a channel multiplier',
    inputs: (g) => [normal(g, [1, 2, 4, 4]), normal(g, [4, 1, 2, 2])],
    run: (x, weight) => conv2d(x, weight, null, { groups: 2, dilation: 2 }),
  },
  {
    operation: CONVOLUTION_BACKPROP,
    name: 'output padding',
    inputs: (g) => [normal(g, [1, 2, 3, 2]), normal(g, [2, 3, 3, 3]), normal(g, [3])],
    run: (x, weight, bias) => convTranspose2d(x, weight, bias, { stride: 2, padding: 1, outputPadding: [1, 0] }),
  },
  {
    operation: CONVOLUTION_BACKPROP,
    name: 'dilation and asymmetric cropping',
    inputs: (g) => [normal(g, [2, 1, 3, 3]), normal(g, [1, 2, 2, 3])],
    run: (x, weight) => convTranspose2d(x, weight, null, { dilation: [2, 1], padding: [0, 1, 1, 0] }),
  },
  {
    operation: GROUP_CONVOLUTION_BACKPROP,
    name: 'two groups',
    inputs: (g) => [normal(g, [1, 4, 2, 3]), normal(g, [4, 3, 3, 2]), normal(g, [6])],
    run: (x, weight, bias) => convTranspose2d(x, weight, bias, { groups: 2, stride: [2, 1], outputPadding: [1, 0] }),
  },
  {
    operation: MATMUL,
    name: 'batches that broadcast',
    inputs: (g) => [normal(g, [2, 1, 3, 2]), normal(g, [4, 2, 3])],
    run: (a, b) => matMul(a, b),
  },
  {
    operation: MATMUL,
    name: 'both transposed',
    inputs: (g) => [normal(g, [2, 4, 3]), normal(g, [2, 2, 4])],
    run: (a, b) => matMul(a, b, { transposeA: true, transposeB: true }),
  },
  {
    operation: MATMUL,
    name: 'transposed left with a broadcast matrix',
    inputs: (g) => [normal(g, [4, 3]), normal(g, [2, 4, 2])],
    run: (a, b) => matMul(a, b, { transposeA: true }),
  },
  {
    operation: MATMUL,
    name: 'vector by matrix',
    inputs: (g) => [normal(g, [3]), normal(g, [2, 3, 4])],
    run: (a, b) => matMul(a, b),
  },
  {
    operation: MATMUL,
    name: 'matrix by vector',
    inputs: (g) => [normal(g, [2, 3, 4]), normal(g, [4])],
    run: (a, b) => matMul(a, b),
  },
  {
    operation: MATMUL,
    name: 'two vectors',
    inputs: (g) => [normal(g, [4]), normal(g, [4])],
    run: (a, b) => matMul(a, b),
  },
  {
    operation: MATMUL,
    name: 'linear',
    inputs: (g) => [normal(g, [2, 3, 4]), normal(g, [5, 4]), normal(g, [5])],
    run: linear,
  },
];
