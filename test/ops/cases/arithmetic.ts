/** Gradient cases of elementwise arithmetic. */
import { ABS, abs } from '../../../src/ops/elementwise/abs.js';
import { ADD, add } from '../../../src/ops/elementwise/add.js';
import { CEILING, ceiling } from '../../../src/ops/elementwise/ceiling.js';
import { CLAMP, clamp } from '../../../src/ops/elementwise/clamp.js';
import { CONVERT, cast } from '../../../src/ops/elementwise/convert.js';
import { DIVIDE, divide } from '../../../src/ops/elementwise/divide.js';
import { EXP, exp } from '../../../src/ops/elementwise/exp.js';
import { FLOOR, floor } from '../../../src/ops/elementwise/floor.js';
import { LOG, log } from '../../../src/ops/elementwise/log.js';
import { MAXIMUM, maximum } from '../../../src/ops/elementwise/maximum.js';
import { MINIMUM, minimum } from '../../../src/ops/elementwise/minimum.js';
import { MULTIPLY, multiply } from '../../../src/ops/elementwise/multiply.js';
import { NEGATIVE, negative } from '../../../src/ops/elementwise/negative.js';
import { POWER, power, rsqrt } from '../../../src/ops/elementwise/power.js';
import { ROUND, round } from '../../../src/ops/elementwise/round.js';
import { SELECT, where } from '../../../src/ops/elementwise/select.js';
import { SIGN, sign } from '../../../src/ops/elementwise/sign.js';
import { SQRT, sqrt } from '../../../src/ops/elementwise/sqrt.js';
import { SUBTRACT, subtract } from '../../../src/ops/elementwise/subtract.js';
import { reshape } from '../../../src/ops/movement/reshape.js';
import { avoiding, booleans, normal, type OperationCase, separated, uniform } from './operationCase.js';

export const cases: readonly OperationCase[] = [
  { operation: ADD, name: 'same shape', inputs: (g) => [normal(g, [2, 3]), normal(g, [2, 3])], run: add },
  { operation: ADD, name: 'broadcast both ways', inputs: (g) => [normal(g, [2, 1, 3]), normal(g, [4, 1])], run: add },
  { operation: ADD, name: 'a number', inputs: (g) => [normal(g, [2])], run: (x) => add(x, 3) },
  { operation: SUBTRACT, name: 'broadcast', inputs: (g) => [normal(g, [3]), normal(g, [2, 3])], run: subtract },
  { operation: SUBTRACT, name: 'from a number', inputs: (g) => [normal(g, [3])], run: (x) => subtract(1, x) },
  { operation: MULTIPLY, name: 'broadcast', inputs: (g) => [normal(g, [2, 3]), normal(g, [3])], run: multiply },
  { operation: MULTIPLY, name: 'a tensor by itself', inputs: (g) => [normal(g, [4])], run: (x) => multiply(x, x) },
  {
    operation: DIVIDE,
    name: 'broadcast',
    inputs: (g) => [normal(g, [2, 3]), uniform(g, [2, 1], 0.5, 2)],
    run: divide,
  },
  { operation: DIVIDE, name: 'a number by', inputs: (g) => [uniform(g, [3], 0.5, 2)], run: (x) => divide(2, x) },
  {
    operation: MAXIMUM,
    name: 'broadcast',
    inputs: (g) => [avoiding(g, [3, 2], 0.3), uniform(g, [1], 0.3, 0.3)],
    run: maximum,
  },
  {
    operation: MINIMUM,
    name: 'two tensors',
    inputs: (g) => [separated(g, [2, 3, 2])],
    run: (x) => minimum(x, reshape(negative(x), x.shape)),
  },
  { operation: NEGATIVE, name: 'matrix', inputs: (g) => [normal(g, [2, 2])], run: negative },
  { operation: ABS, name: 'away from zero', inputs: (g) => [avoiding(g, [5], 0)], run: abs },
  { operation: SIGN, name: 'away from zero', inputs: (g) => [avoiding(g, [5], 0)], run: sign },
  { operation: ROUND, name: 'between halves', inputs: (g) => [uniform(g, [5], 0.6, 1.4)], run: round },
  { operation: SQRT, name: 'positive', inputs: (g) => [uniform(g, [2, 3], 0.5, 3)], run: sqrt },
  {
    operation: SELECT,
    name: 'broadcast of all three',
    inputs: (g) => [booleans(g, [2, 1, 4]), normal(g, [3, 1]), normal(g, [4])],
    run: where,
  },
  {
    operation: SELECT,
    name: 'a number',
    inputs: (g) => [booleans(g, [6]), normal(g, [6])],
    run: (condition, x) => where(condition, 2, x),
  },
  {
    operation: CONVERT,
    name: 'to float32',
    inputs: (g) => [normal(g, [3])],
    run: (x) => cast(cast(x, 'float32'), 'float64'),
    step: 1e-2,
    tolerance: 1e-4,
  },
  {
    operation: POWER,
    name: 'broadcast',
    inputs: (g) => [uniform(g, [2, 3], 0.5, 2), normal(g, [2, 1])],
    run: power,
  },
  { operation: POWER, name: 'an integer exponent', inputs: (g) => [avoiding(g, [5], 0)], run: (x) => power(x, 3) },
  { operation: POWER, name: 'a number as base', inputs: (g) => [normal(g, [3])], run: (x) => power(2, x) },
  { operation: POWER, name: 'reciprocal square root', inputs: (g) => [uniform(g, [3], 0.5, 2)], run: rsqrt },
  { operation: EXP, name: 'vector', inputs: (g) => [normal(g, [4])], run: exp },
  { operation: LOG, name: 'positive', inputs: (g) => [uniform(g, [4], 0.5, 3)], run: log },
  { operation: FLOOR, name: 'between whole numbers', inputs: (g) => [uniform(g, [4], 1.1, 1.9)], run: floor },
  { operation: CEILING, name: 'between whole numbers', inputs: (g) => [uniform(g, [4], 1.1, 1.9)], run: ceiling },
  { operation: CLAMP, name: 'both limits', inputs: (g) => [avoiding(g, [12], -1, 1)], run: (x) => clamp(x, -1, 1) },
  {
    operation: CLAMP,
    name: 'one limit',
    inputs: (g) => [avoiding(g, [8], 0)],
    run: (x) => clamp(x, 0, Number.POSITIVE_INFINITY),
  },
];
