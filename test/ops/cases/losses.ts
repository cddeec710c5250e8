/** Gradient cases of losses, each named by an operation that it is made of. */

import { ABS } from '../../../src/ops/elementwise/abs.js';
import { MULTIPLY } from '../../../src/ops/elementwise/multiply.js';
import { SELECT } from '../../../src/ops/elementwise/select.js';
import { SOFTPLUS } from '../../../src/ops/elementwise/softplus.js';
import { bceWithLogits } from '../../../src/ops/loss/bceWithLogits.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import { huberLoss, smoothL1Loss } from '../../../src/ops/loss/huberLoss.js';
import { klDivergence } from '../../../src/ops/loss/klDivergence.js';
import { l1Loss } from '../../../src/ops/loss/l1Loss.js';
import { mseLoss } from '../../../src/ops/loss/mseLoss.js';
import { nllLoss } from '../../../src/ops/loss/nllLoss.js';
import { GATHER_ELEMENTS } from '../../../src/ops/movement/gatherElements.js';
import { LOG_SOFTMAX } from '../../../src/ops/neural/logSoftmax.js';
import { softmax } from '../../../src/ops/neural/softmax.js';
import { tensor } from '../../../src/tensor/create.js';
import { integers, normal, type OperationCase, separated, uniform } from './operationCase.js';

const classWeights = tensor([0.5, 1, 2, 0], { dtype: 'float64' });

export const cases: readonly OperationCase[] = [
  {
    operation: LOG_SOFTMAX,
    name: 'cross entropy of classes',
    inputs: (g) => [normal(g, [3, 4]), integers(g, [3], 0, 4)],
    run: (x, target) => crossEntropy(x, target),
  },
  {
    operation: LOG_SOFTMAX,
    name: 'cross entropy of pixels with weights, smoothing and ignored ones',
    inputs: (g) => [normal(g, [2, 4, 2, 2]), integers(g, [2, 2, 2], 0, 4)],
    run: (x, target) => crossEntropy(x, target, { weight: classWeights, labelSmoothing: 0.2, ignoreIndex: 1 }),
  },
  {
    operation: LOG_SOFTMAX,
    name: 'cross entropy of probabilities, for each',
    inputs: (g) => [normal(g, [3, 4]), uniform(g, [3, 4], 0.1, 1)],
    run: (x, target) => crossEntropy(x, target, { weight: classWeights, labelSmoothing: 0.1, reduction: 'none' }),
  },
  {
    operation: GATHER_ELEMENTS,
    name: 'negative log-likelihood, summed',
    inputs: (g) => [normal(g, [3, 4]), integers(g, [3], 0, 4)],
    run: (x, target) => nllLoss(x, target, { reduction: 'sum', weight: classWeights }),
  },
  {
    operation: MULTIPLY,
    name: 'mean squared error',
    inputs: (g) => [normal(g, [2, 3]), normal(g, [2, 3])],
    run: (a, b) => mseLoss(a, b),
  },
  {
    operation: ABS,
    name: 'mean absolute error',
    inputs: (g) => [separated(g, [2, 3]), uniform(g, [2, 3], 0.15, 0.16)],
    run: (a, b) => l1Loss(a, b),
  },
  {
    operation: SELECT,
    name: 'Huber loss on both sides of delta',
    inputs: (g) => [separated(g, [3, 4]), uniform(g, [3, 4], 0.15, 0.16)],
    run: (a, b) => huberLoss(a, b, { delta: 0.5, reduction: 'none' }),
  },
  {
    operation: SELECT,
    name: 'smooth L1 loss',
    inputs: (g) => [separated(g, [3, 4]), uniform(g, [3, 4], 0.15, 0.16)],
    run: (a, b) => smoothL1Loss(a, b, { beta: 0.7 }),
  },
  {
    operation: SOFTPLUS,
    name: 'binary cross entropy of logits',
    inputs: (g) => [normal(g, [2, 3]), uniform(g, [2, 3], 0, 1), uniform(g, [3], 0.5, 2), uniform(g, [3], 0.5, 2)],
    run: (x, target, weight, posWeight) => bceWithLogits(x, target, { weight, posWeight }),
  },
  {
    operation: MULTIPLY,
    name: 'divergence from probabilities',
    inputs: (g) => [normal(g, [2, 3]), normal(g, [2, 3])],
    run: (x, target) => klDivergence(x, softmax(target), { reduction: 'batchmean' }),
  },
  {
    operation: MULTIPLY,
    name: 'divergence from log-probabilities',
    inputs: (g) => [normal(g, [2, 3]), normal(g, [2, 3])],
    run: (x, target) => klDivergence(x, target, { logTarget: true }),
  },
];
