import { describe, expect, it } from 'vitest';
import { copyGraph, GraphModule } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import * as nn from '../../../src/nn/index.js';
import { dropout } from '../../../src/ops/neural/dropout.js';
import { ones, tensor } from '../../../src/tensor/create.js';
import { manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { errorOf, expectSame } from '../models.js';

/** The value of each sample; all values of a sample must be equal. */
function valueOfSamples(x: Tensor): number[] {
  const [count] = x.shape;
  const values = x.dataSync();
  const size = values.length / count;
  return Array.from({ length: count }, (_, sample) => {
    const own = values.slice(sample * size, (sample + 1) * size);
    expect(new Set(own).size).toBe(1);
    return own[0];
  });
}

describe('StochasticDepth', () => {
  const x = ones([400, 2, 3, 1]);
  const layer = new nn.StochasticDepth(0.25);

  it('drops whole samples and scales the others while training, from the default generator', () => {
    manualSeed(5);
    const first = valueOfSamples(layer.train().forward(x));
    expect(first.every((value) => value === 0 || Math.abs(value - 4 / 3) < 1e-6)).toBe(true);
    const dropped = first.filter((value) => value === 0).length / 400;
    expect(dropped).toBeGreaterThan(0.18);
    expect(dropped).toBeLessThan(0.32);
    manualSeed(5);
    expect(valueOfSamples(layer.forward(x))).toEqual(first);
    expectSame(layer.eval().forward(x), x);
  });

  it('does so in a recorded graph, in whose evaluation it is not there', () => {
    const { graph, structure } = trace(layer, [x]);
    const module = new GraphModule(copyGraph(graph), structure);
    manualSeed(5);
    const values = valueOfSamples(module.train().forward(x) as Tensor);
    expect(new Set(values).size).toBe(2);
    expectSame(module.eval().forward(x), x);
  });

  it('passes gradients of the samples that are kept', () => {
    const input = new nn.Parameter(ones([8, 3]));
    const y = layer.train().forward(input);
    y.sum().backward();
    expectSame(input.grad, y);
  });

  it('rejects what makes no sense', () => {
    expect(errorOf(() => new nn.StochasticDepth(1.5)).message).toMatch(/probability is 1.5/);
    expect(errorOf(() => dropout(tensor(1), 0.5, { perSample: true })).message).toMatch(/scalar has no samples/);
  });
});
