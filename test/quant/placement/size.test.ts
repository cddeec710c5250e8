/** Placement on large graphs: it must not take time that grows with the square of the size, or with the number of ways. */
import { expect, it } from 'vitest';
import { copyGraph } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import * as nn from '../../../src/nn/index.js';
import { add } from '../../../src/ops/elementwise/add.js';
import { relu } from '../../../src/ops/elementwise/relu.js';
import { concat } from '../../../src/ops/movement/concat.js';
import { slice } from '../../../src/ops/movement/slice.js';
import { conv2d } from '../../../src/ops/neural/conv2d.js';
import { PROPAGATION_RULES } from '../../../src/quant/placement/mergeRules.js';
import { type PlacementOptions, placeQuantizers } from '../../../src/quant/placement/placement.js';
import { insertQuantizers, isQuantizer } from '../../../src/quant/quantizer.js';
import { CPU_TARGET } from '../../../src/quant/targets/cpu.js';
import { ones, zeros } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';

function quantizersOf(
  model: nn.Module,
  options: Partial<PlacementOptions> = {},
): { nodes: number; quantizers: number } {
  const graph = copyGraph(trace(model, [zeros([1, 2, 3, 3])]).graph);
  const nodes = graph.nodes.length;
  const { weights, activations } = placeQuantizers(graph, {
    ...{ target: CPU_TARGET, ignored: new Set(), activationMode: 'symmetric', bits: { weights: 8, activations: 8 } },
    ...options,
  });
  insertQuantizers(graph, [
    ...weights.map(({ target, config }) => ({
      ...{ target, spec: { ...config, kind: 'weights' as const, signed: true }, parameters: [ones([1])] },
    })),
    ...activations.map(({ target, config }) => ({
      ...{ target, spec: { ...config, kind: 'activations' as const, signed: true }, parameters: [ones([1])] },
    })),
  ]);
  return { nodes, quantizers: graph.nodes.filter(isQuantizer).length };
}

it('10,000 nodes of residual blocks', () => {
  class Deep extends nn.Module {
    readonly weights = Array.from({ length: 2500 }, () => new nn.Parameter(ones([2, 2, 1, 1])));
    override forward(x: Tensor): Tensor {
      return this.weights.reduce((y: Tensor, weight) => relu(add(conv2d(y, weight), y)), x);
    }
  }
  const { nodes, quantizers } = quantizersOf(new Deep());
  expect(nodes).toBeGreaterThanOrEqual(10_000);
  // For each block: weights, the convolution's output, and the block's input, which is shared.
  expect(quantizers).toBe(3 * 2500);
});

it('concats of concats, of which there are more ways than atoms', () => {
  class Ways extends nn.Module {
    readonly weight = new nn.Parameter(ones([2, 2, 1, 1]));
    override forward(x: Tensor): Tensor {
      let y = relu(x);
      // The value stays as large as it was, and each step doubles the ways to it.
      for (let step = 0; step < 1000; step++) y = slice(concat([y, y], 1), 0, 2, 1, 1);
      return conv2d(y, this.weight);
    }
  }
  expect(quantizersOf(new Ways()).quantizers).toBe(2);
  for (const rule of PROPAGATION_RULES)
    expect(quantizersOf(new Ways(), { rule, quantizeOutputs: true }).quantizers).toBeGreaterThan(2);
});

it('a densely connected block', () => {
  class Dense extends nn.Module {
    readonly weights = Array.from({ length: 100 }, (_, index) => new nn.Parameter(ones([1, 2 + index, 1, 1])));
    override forward(x: Tensor): Tensor {
      const values = [x];
      for (const weight of this.weights) values.push(relu(conv2d(concat(values, 1), weight)));
      return values[values.length - 1];
    }
  }
  // Everything joins somewhere, so one scale serves the input and all layers but the last, which is the output.
  expect(quantizersOf(new Dense()).quantizers).toBe(100 + 100);
});
