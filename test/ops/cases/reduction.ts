/** Gradient cases of reductions. */
import { add } from '../../../src/ops/elementwise/add.js';
import { REDUCE_SUM, sum } from '../../../src/ops/movement/broadcast.js';
import { logSumExp } from '../../../src/ops/reduction/logSumExp.js';
import { max, REDUCE_MAX } from '../../../src/ops/reduction/max.js';
import { mean, REDUCE_MEAN } from '../../../src/ops/reduction/mean.js';
import { min, REDUCE_MIN } from '../../../src/ops/reduction/min.js';
import { prod, REDUCE_PROD } from '../../../src/ops/reduction/prod.js';
import { TOP_K, topK } from '../../../src/ops/reduction/topK.js';
import { standardDeviation, variance } from '../../../src/ops/reduction/variance.js';
import { tensor } from '../../../src/tensor/create.js';
import { normal, type OperationCase, separated } from './operationCase.js';

export const cases: readonly OperationCase[] = [
  { operation: REDUCE_SUM, name: 'all axes', inputs: (g) => [normal(g, [2, 3])], run: (x) => sum(x) },
  { operation: REDUCE_SUM, name: 'outer axes', inputs: (g) => [normal(g, [2, 3, 2])], run: (x) => sum(x, [0, -1]) },
  { operation: REDUCE_SUM, name: 'kept axis', inputs: (g) => [normal(g, [2, 3])], run: (x) => sum(x, 1, true) },
  { operation: REDUCE_MEAN, name: 'all axes', inputs: (g) => [normal(g, [2, 3])], run: (x) => mean(x) },
  { operation: REDUCE_MEAN, name: 'inner axes', inputs: (g) => [normal(g, [2, 3, 2, 2])], run: (x) => mean(x, [2, 3]) },
  { operation: REDUCE_MAX, name: 'an axis', inputs: (g) => [separated(g, [3, 4])], run: (x) => max(x, 1) },
  { operation: REDUCE_MAX, name: 'all axes', inputs: (g) => [separated(g, [3, 4])], run: (x) => max(x) },
  { operation: REDUCE_MIN, name: 'kept axis', inputs: (g) => [separated(g, [3, 4])], run: (x) => min(x, 0, true) },
  { operation: REDUCE_PROD, name: 'an axis', inputs: (g) => [normal(g, [3, 4])], run: (x) => prod(x, 1) },
  {
    operation: REDUCE_PROD,
    name: 'rows with one and two zeros',
    inputs: () => [
      tensor(
        [
          [0, 2, 3],
          [0, 0, 4],
          [5, 6, 7],
        ],
        { dtype: 'float64', requiresGrad: true },
      ),
    ],
    run: (x) => prod(x, 1),
    tolerance: 1e-5,
  },
  { operation: REDUCE_MEAN, name: 'variance', inputs: (g) => [normal(g, [3, 4])], run: (x) => variance(x, 1) },
  {
    operation: REDUCE_MEAN,
    name: 'standard deviation over all axes',
    inputs: (g) => [normal(g, [3, 4])],
    run: (x) => standardDeviation(x, undefined, { correction: 0, keepDims: true }),
  },
  { operation: REDUCE_SUM, name: 'log-sum-exp', inputs: (g) => [normal(g, [3, 4])], run: (x) => logSumExp(x, 1) },
  {
    operation: TOP_K,
    name: 'the two largest of the last axis',
    inputs: (g) => [separated(g, [3, 5])],
    run: (x) => topK(x, 2).values,
  },
  {
    operation: TOP_K,
    name: 'the smallest of the first axis',
    inputs: (g) => [separated(g, [4, 3])],
    run: (x) => add(topK(x, 1, { axis: 0, largest: false }).values, 1),
  },
];
