/** Gradient cases of normalization and softmax. */
import type { OperationDefinition } from '../../../src/autograd/operation.js';
import { BATCH_NORM_INFERENCE, batchNorm } from '../../../src/ops/neural/batchNorm.js';
import { LOG_SOFTMAX, logSoftmax } from '../../../src/ops/neural/logSoftmax.js';
import { layerNorm, MVN, mvn } from '../../../src/ops/neural/mvn.js';
import { SOFTMAX, softmax } from '../../../src/ops/neural/softmax.js';
import { ones, zeros } from '../../../src/tensor/create.js';
import { normal, type OperationCase, uniform } from './operationCase.js';

/** What batch normalization puts on the tape while training. */
const BATCH_NORM_TRAINING: Pick<OperationDefinition<never>, 'type'> & { gradient: true } = {
  type: 'BatchNormTraining',
  gradient: true,
};

export const cases: readonly OperationCase[] = [
  {
    operation: BATCH_NORM_TRAINING,
    name: 'batch statistics of images',
    inputs: (g) => [normal(g, [3, 2, 2, 2]), normal(g, [2]), normal(g, [2])],
    run: (x, weight, bias) =>
      batchNorm(x, zeros([2], { dtype: 'float64' }), ones([2], { dtype: 'float64' }), weight, bias, { training: true }),
  },
  {
    operation: BATCH_NORM_TRAINING,
    name: 'batch statistics of vectors, a large epsilon',
    inputs: (g) => [normal(g, [4, 3]), normal(g, [3]), normal(g, [3])],
    run: (x, weight, bias) =>
      batchNorm(x, zeros([3], { dtype: 'float64' }), ones([3], { dtype: 'float64' }), weight, bias, {
        training: true,
        epsilon: 0.1,
      }),
  },
  {
    // It is differentiated through its parts, so it has no gradient of its own.
    operation: BATCH_NORM_INFERENCE,
    name: 'running statistics',
    inputs: (g) => [normal(g, [2, 3, 2]), normal(g, [3]), normal(g, [3]), normal(g, [3]), uniform(g, [3], 0.5, 2)],
    run: (x, weight, bias, mean, variance) => batchNorm(x, mean, variance, weight, bias),
  },
  { operation: MVN, name: 'last axis', inputs: (g) => [normal(g, [3, 4])], run: (x) => mvn(x, -1) },
  {
    operation: MVN,
    name: 'first and last axes, a large epsilon',
    inputs: (g) => [normal(g, [2, 3, 4])],
    run: (x) => mvn(x, [0, 2], 0.1),
  },
  {
    operation: MVN,
    name: 'layer normalization of two axes',
    inputs: (g) => [normal(g, [2, 3, 4]), normal(g, [3, 4]), normal(g, [3, 4])],
    run: (x, weight, bias) => layerNorm(x, [3, 4], weight, bias),
  },
  { operation: SOFTMAX, name: 'last axis', inputs: (g) => [normal(g, [2, 4])], run: (x) => softmax(x) },
  { operation: SOFTMAX, name: 'inner axis', inputs: (g) => [normal(g, [2, 3, 2])], run: (x) => softmax(x, 1) },
  { operation: LOG_SOFTMAX, name: 'last axis', inputs: (g) => [normal(g, [2, 4])], run: (x) => logSoftmax(x) },
  { operation: LOG_SOFTMAX, name: 'first axis', inputs: (g) => [normal(g, [3, 2])], run: (x) => logSoftmax(x, 0) },
];
