import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { copyGraph, GraphModule } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import * as nn from '../../../src/nn/index.js';
import { manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { data, errorOf, expectSame } from '../models.js';

beforeEach(() => {
  manualSeed(3);
});

type Matrix = number[][];

const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, column) => row.reduce((sum, value, index) => sum + value * b[index][column], 0)));

const turned = (a: Matrix): Matrix => a[0].map((_, column) => a.map((row) => row[column]));

/** A flat tensor's values cut into rows of the last axis' length. */
const matrixOf = (x: Tensor): Matrix => {
  const width = x.shape[x.rank - 1];
  const values = Array.from(x.dataSync());
  return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
};

/** Attention of one sample, written out. */
function attend(layer: nn.MultiheadAttention, query: Matrix, key: Matrix, value: Matrix, mask?: Matrix): Matrix {
  const { embedDim, numHeads } = layer;
  const size = embedDim / numHeads;
  const weight = matrixOf(layer.inProjWeight);
  const bias = layer.inProjBias?.dataSync();
  const [queries, keys, values] = [query, key, value].map((x, part) => {
    const rows = weight.slice(part * embedDim, (part + 1) * embedDim);
    return times(x, turned(rows)).map((row) => row.map((sum, column) => sum + (bias?.[part * embedDim + column] ?? 0)));
  });
  const heads = Array.from({ length: numHeads }, (_, head) => {
    const part = (x: Matrix): Matrix => x.map((row) => row.slice(head * size, (head + 1) * size));
    const products = times(part(queries), turned(part(keys)));
    const weights = products.map((row, y) => {
      const powers = row.map((product, x) => Math.exp(product / Math.sqrt(size) + (mask?.[y][x] ?? 0)));
      const total = powers.reduce((sum, power) => sum + power, 0);
      return powers.map((power) => power / total);
    });
    return times(weights, part(values));
  });
  const joined = query.map((_, row) => heads.flatMap((head) => head[row]));
  const offset = layer.outProj.bias?.dataSync();
  return times(joined, turned(matrixOf(layer.outProj.weight))).map((row) =>
    row.map((sum, column) => sum + (offset?.[column] ?? 0)),
  );
}

function expectAttention(actual: Tensor, expected: readonly Matrix[]): void {
  const values = expected.flat(2);
  expect(actual.size).toBe(values.length);
  actual.dataSync().forEach((value, index) => {
    expect(value).toBeCloseTo(values[index], 5);
  });
}

/** The samples of [N, L, C] as matrices [L, C]. */
const samples = (x: Tensor): Matrix[] => {
  const rows = matrixOf(x);
  const length = x.shape[1];
  return Array.from({ length: x.shape[0] }, (_, sample) => rows.slice(sample * length, (sample + 1) * length));
};

describe('MultiheadAttention', () => {
  it.each([{}, { bias: false }])('of a sequence to itself, and its recorded graph: %j', (options) => {
    const layer = new nn.MultiheadAttention(6, 2, options);
    if (layer.inProjBias) layer.inProjBias.assign_(data([18], 5));
    const x = data([2, 4, 6]);
    const expected = samples(x).map((sample) => attend(layer, sample, sample, sample));
    expectAttention(layer.forward(x), expected);
    const { graph, structure } = trace(layer, [x]);
    expect(graph.nodes.filter(({ type }) => type === 'MatMul').length).toBe(4);
    expectAttention(new GraphModule(copyGraph(graph), structure).forward(x) as Tensor, expected);
  });

  it('of one sequence to another, with a mask', () => {
    const layer = new nn.MultiheadAttention(4, 4);
    layer.inProjBias?.assign_(data([12], 5));
    const [query, key, value] = [data([2, 3, 4], 1), data([2, 5, 4], 2), data([2, 5, 4], 3)];
    const mask = data([3, 5], 4).mul(3);
    const expected = samples(query).map((sample, index) =>
      attend(layer, sample, samples(key)[index], samples(value)[index], matrixOf(mask)),
    );
    expectAttention(layer.forward(query, key, value, mask), expected);
    expectSame(layer.forward(query, key), layer.forward(query, key, key));
  });

  it('trains, and drops attention while training only', () => {
    const layer = new nn.MultiheadAttention(4, 2, { dropout: 0.5 });
    const x = data([1, 6, 4]);
    layer.forward(x).square().sum().backward();
    expect(layer.parameters().length).toBe(4);
    expect(layer.parameters().every(({ grad }) => grad?.dataSync().some((value) => value !== 0))).toBe(true);
    expect(layer.forward(x).dataSync()).not.toEqual(layer.forward(x).dataSync());
    layer.eval();
    expectAttention(
      noGrad(() => layer.forward(x)),
      [attend(layer, samples(x)[0], samples(x)[0], samples(x)[0])],
    );
  });

  it('starts with zero biases and uniform projections', () => {
    const layer = new nn.MultiheadAttention(32, 4);
    const bound = Math.sqrt(6 / (4 * 32));
    const values = Array.from(layer.inProjWeight.dataSync(), Math.abs);
    expect(Math.max(...values)).toBeLessThanOrEqual(bound);
    expect(Math.max(...values)).toBeGreaterThan(0.95 * bound);
    expect(layer.inProjBias?.dataSync().every((value) => value === 0)).toBe(true);
    expect(layer.outProj.bias?.dataSync().every((value) => value === 0)).toBe(true);
  });

  it.each<[() => unknown, RegExp]>([
    [() => new nn.MultiheadAttention(6, 4), /embedDim \/ numHeads is 1.5/],
    [() => new nn.MultiheadAttention(0, 1), /embedDim is 0/],
    [() => new nn.MultiheadAttention(4, 2, { dropout: 1.5 }), /dropout is 1.5/],
    [() => new nn.MultiheadAttention(4, 2, { batch_first: true } as object), /no option 'batch_first'/],
    [() => new nn.MultiheadAttention(4, 2).forward(data([2, 3, 5])), /takes tensors \[N, L, 4\].*\[2, 3, 5\]/],
    [() => new nn.MultiheadAttention(4, 2).forward(data([2, 3, 4]), data([3, 4])), /takes tensors \[N, L, 4\]/],
  ])('rejects what it cannot take (%#)', (make, message) => {
    expect(errorOf(make).message).toMatch(message);
  });
});
