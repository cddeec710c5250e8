/** Gradient cases of operations that move elements. */
import { multiply } from '../../../src/ops/elementwise/multiply.js';
import { BROADCAST, broadcastTo } from '../../../src/ops/movement/broadcast.js';
import { CONCAT, concat, stack } from '../../../src/ops/movement/concat.js';
import { GATHER, gather } from '../../../src/ops/movement/gather.js';
import { GATHER_ELEMENTS, gatherElements } from '../../../src/ops/movement/gatherElements.js';
import { PAD, pad } from '../../../src/ops/movement/pad.js';
import { flatten, RESHAPE, reshape } from '../../../src/ops/movement/reshape.js';
import { narrow, SLICE, selectIndex, slice } from '../../../src/ops/movement/slice.js';
import { chunk, split, VARIADIC_SPLIT } from '../../../src/ops/movement/split.js';
import { SQUEEZE, squeeze, UNSQUEEZE, unsqueeze } from '../../../src/ops/movement/squeeze.js';
import { TILE, tile } from '../../../src/ops/movement/tile.js';
import { permute, TRANSPOSE, transpose } from '../../../src/ops/movement/transpose.js';
import { integers, normal, type OperationCase } from './operationCase.js';

export const cases: readonly OperationCase[] = [
  { operation: RESHAPE, name: 'an open extent', inputs: (g) => [normal(g, [2, 6])], run: (x) => reshape(x, [3, -1]) },
  { operation: RESHAPE, name: 'flatten', inputs: (g) => [normal(g, [2, 3, 2])], run: (x) => flatten(x, 1) },
  {
    operation: BROADCAST,
    name: 'new and old axes',
    inputs: (g) => [normal(g, [3, 1])],
    run: (x) => broadcastTo(x, [2, 3, 4]),
  },
  { operation: TRANSPOSE, name: 'reversed', inputs: (g) => [normal(g, [2, 3])], run: (x) => transpose(x) },
  { operation: TRANSPOSE, name: 'two axes', inputs: (g) => [normal(g, [2, 3, 4])], run: (x) => transpose(x, 0, -1) },
  { operation: TRANSPOSE, name: 'a cycle', inputs: (g) => [normal(g, [2, 3, 4])], run: (x) => permute(x, [2, 0, 1]) },
  { operation: SQUEEZE, name: 'one axis', inputs: (g) => [normal(g, [2, 1, 3])], run: (x) => squeeze(x, 1) },
  { operation: UNSQUEEZE, name: 'two axes', inputs: (g) => [normal(g, [2, 3])], run: (x) => unsqueeze(x, [0, -1]) },
  {
    operation: SLICE,
    name: 'two axes with steps',
    inputs: (g) => [normal(g, [5, 6])],
    run: (x) => slice(x, [1, -1], [10, -7], [2, -2]),
  },
  { operation: SLICE, name: 'narrow', inputs: (g) => [normal(g, [4, 5])], run: (x) => narrow(x, 1, -3, 2) },
  { operation: SLICE, name: 'one index', inputs: (g) => [normal(g, [4, 5])], run: (x) => selectIndex(x, 0, -1) },
  {
    operation: CONCAT,
    name: 'three tensors, one of them twice',
    inputs: (g) => [normal(g, [2, 1]), normal(g, [2, 3])],
    run: (a, b) => concat([a, b, a], -1),
  },
  {
    operation: CONCAT,
    name: 'one that needs no gradient',
    inputs: (g) => [normal(g, [2], false), normal(g, [3])],
    run: (a, b) => concat([a, b]),
  },
  {
    operation: CONCAT,
    name: 'stack',
    inputs: (g) => [normal(g, [2, 2]), normal(g, [2, 2])],
    run: (a, b) => stack([a, b], 1),
  },
  {
    operation: VARIADIC_SPLIT,
    name: 'open size',
    inputs: (g) => [normal(g, [2, 5])],
    run: (x) => split(x, [2, -1], 1),
  },
  { operation: VARIADIC_SPLIT, name: 'chunks', inputs: (g) => [normal(g, [5, 2])], run: (x) => chunk(x, 2) },
  {
    operation: VARIADIC_SPLIT,
    name: 'unused parts',
    inputs: (g) => [normal(g, [6])],
    run: (x) => {
      const [first, , last] = split(x, 2);
      return multiply(first, last);
    },
  },
  {
    operation: PAD,
    name: 'with a constant, and cropping',
    inputs: (g) => [normal(g, [3, 4])],
    run: (x) => pad(x, [1, -1], [0, 2], { value: 3 }),
  },
  {
    operation: PAD,
    name: 'with the edge',
    inputs: (g) => [normal(g, [3, 2])],
    run: (x) => pad(x, [2, 1], [1, 3], { mode: 'edge' }),
  },
  {
    operation: PAD,
    name: 'reflected',
    inputs: (g) => [normal(g, [3, 4])],
    run: (x) => pad(x, [2, 1], [1, 3], { mode: 'reflect' }),
  },
  {
    operation: GATHER,
    name: 'repeated and negative indices',
    inputs: (g) => [normal(g, [2, 4, 3]), integers(g, [2, 3], -4, 4)],
    run: (x, indices) => gather(x, indices, 1),
  },
  {
    operation: GATHER_ELEMENTS,
    name: 'repeated indices',
    inputs: (g) => [normal(g, [4, 3]), integers(g, [5, 3], 0, 4)],
    run: (x, indices) => gatherElements(x, indices, 0),
  },
  { operation: TILE, name: 'a new axis', inputs: (g) => [normal(g, [2, 3])], run: (x) => tile(x, [2, 1, 3]) },
];
