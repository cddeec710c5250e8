/** Gradient cases of activation functions. */
import { ELU, elu } from '../../../src/ops/elementwise/elu.js';
import { ERF, erf } from '../../../src/ops/elementwise/erf.js';
import { GELU, gelu } from '../../../src/ops/elementwise/gelu.js';
import { HSIGMOID, hsigmoid } from '../../../src/ops/elementwise/hsigmoid.js';
import { HSWISH, hswish } from '../../../src/ops/elementwise/hswish.js';
import { MISH, mish } from '../../../src/ops/elementwise/mish.js';
import { leakyRelu, PRELU, prelu } from '../../../src/ops/elementwise/prelu.js';
import { RELU, relu } from '../../../src/ops/elementwise/relu.js';
import { SIGMOID, sigmoid } from '../../../src/ops/elementwise/sigmoid.js';
import { SOFTPLUS, softplus } from '../../../src/ops/elementwise/softplus.js';
import { SWISH, swish } from '../../../src/ops/elementwise/swish.js';
import { TANH, tanh } from '../../../src/ops/elementwise/tanh.js';
import { avoiding, normal, type OperationCase, uniform } from './operationCase.js';

export const cases: readonly OperationCase[] = [
  { operation: RELU, name: 'both sides', inputs: (g) => [avoiding(g, [10], 0)], run: relu },
  { operation: SIGMOID, name: 'wide', inputs: (g) => [uniform(g, [8], -8, 8)], run: sigmoid },
  { operation: TANH, name: 'wide', inputs: (g) => [uniform(g, [8], -4, 4)], run: tanh },
  { operation: ERF, name: 'wide', inputs: (g) => [uniform(g, [8], -3, 3)], run: erf },
  { operation: GELU, name: 'exact', inputs: (g) => [uniform(g, [8], -4, 4)], run: (x) => gelu(x) },
  { operation: GELU, name: 'by tanh', inputs: (g) => [uniform(g, [8], -4, 4)], run: (x) => gelu(x, 'tanh') },
  { operation: SWISH, name: 'wide', inputs: (g) => [uniform(g, [8], -6, 6)], run: swish },
  { operation: HSWISH, name: 'all three pieces', inputs: (g) => [avoiding(g, [20], -3, 3)], run: hswish },
  { operation: HSIGMOID, name: 'all three pieces', inputs: (g) => [avoiding(g, [20], -3, 3)], run: hsigmoid },
  { operation: SOFTPLUS, name: 'wide', inputs: (g) => [uniform(g, [8], -8, 8)], run: softplus },
  { operation: MISH, name: 'wide', inputs: (g) => [uniform(g, [8], -6, 6)], run: mish },
  { operation: ELU, name: 'alpha 1', inputs: (g) => [avoiding(g, [10], 0)], run: (x) => elu(x) },
  { operation: ELU, name: 'alpha 0.3', inputs: (g) => [avoiding(g, [10], 0)], run: (x) => elu(x, 0.3) },
  {
    operation: PRELU,
    name: 'a slope for each channel',
    inputs: (g) => [avoiding(g, [2, 3, 2, 2], 0), normal(g, [3])],
    run: prelu,
  },
  { operation: PRELU, name: 'one slope', inputs: (g) => [avoiding(g, [2, 3], 0), normal(g, [1])], run: prelu },
  {
    operation: PRELU,
    name: 'a slope that broadcasts',
    inputs: (g) => [avoiding(g, [2, 3, 4], 0), normal(g, [4])],
    run: prelu,
  },
  { operation: PRELU, name: 'leaky ReLU', inputs: (g) => [avoiding(g, [6], 0)], run: (x) => leakyRelu(x, 0.2) },
];
