/** Placement of single cases that the comparison with NNCF does not reach. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/errors.js';
import { copyGraph } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import * as nn from '../../../src/nn/index.js';
import * as F from '../../../src/ops/functional.js';
import type { PropagationRule } from '../../../src/quant/placement/mergeRules.js';
import { type Placement, placementName, placeQuantizers } from '../../../src/quant/placement/placement.js';
import { quantize } from '../../../src/quant/quantize.js';
import { CPU_TARGET } from '../../../src/quant/targets/cpu.js';
import { randn, zeros } from '../../../src/tensor/create.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { valuesOf } from '../models.js';

class Net extends nn.Module {
  readonly #run: (x: Tensor) => unknown;
  readonly parts: (nn.Module | nn.Parameter)[];
  constructor(parts: (nn.Module | nn.Parameter)[], run: (x: Tensor) => unknown) {
    super();
    this.parts = parts;
    this.#run = run;
  }
  override forward(x: Tensor): unknown {
    return this.#run(x);
  }
}

function place(model: nn.Module, shape: number[], rule?: PropagationRule): Placement {
  const graph = copyGraph(trace(model, [zeros(shape)]).graph);
  return placeQuantizers(graph, {
    ...{
      target: CPU_TARGET,
      ignored: new Set(),
      activationMode: 'symmetric',
      bits: { weights: 8, activations: 8 },
      rule,
    },
  });
}

const names = ({ activations }: Placement): string[] => activations.map(placementName);

describe('weights', () => {
  const product = (shape: number[], run: (p: nn.Parameter, x: Tensor) => Tensor): Placement['weights'][number] => {
    const parameter = new nn.Parameter(randn(shape));
    return place(new Net([parameter], (x) => run(parameter, x)), [2, 4, 3]).weights[0];
  };

  it('of a matrix product have a channel for each column of the right operand', () => {
    expect(product([3, 5], (p, x) => F.matmul(x, p)).channelAxis).toBe(1);
    expect(product([5, 3], (p, x) => F.matmul(x, p, { transposeB: true })).channelAxis).toBe(0);
    expect(product([2, 3, 5], (p, x) => F.matmul(x, p)).channelAxis).toBe(2);
  });

  it('that are the left operand have one scale', () => {
    const { config, target } = product([5, 4], (p, x) => F.matmul(p, x));
    expect(config).toMatchObject({ mode: 'symmetric', bits: 8, perChannel: false, narrowRange: true });
    expect(target.port).toBe(0);
  });

  it('behind a reshape that mixes their channels have one scale', () => {
    const { config, weights } = product([5, 6], (p, x) => F.matmul(F.reshape(x, [-1, 2, 6]), F.reshape(p, [6, 5])));
    expect(config.perChannel).toBe(false);
    expect(weights.constant.path).toBe('parts.0');
  });

  it('that are a vector have one scale', () => {
    expect(product([3], (p, x) => F.matmul(x, p)).config.perChannel).toBe(false);
  });

  it('of grouped convolutions must have four axes', () => {
    const filters = new nn.Parameter(randn([4, 9]));
    const model = new Net([filters], (x) => F.conv2d(x, F.reshape(filters, [4, 1, 3, 3]), null, { groups: 4 }));
    expect(() => place(model, [1, 4, 5, 5])).toThrow(UnsupportedError);
  });
});

describe('merging at branches', () => {
  const [a, b, relu] = [new nn.Conv2d(2, 2, 1), new nn.Conv2d(2, 2, 1), new nn.ReLU()];
  const model = new Net([a, b, relu], (x) => {
    const y = relu.forward(x);
    return [a.forward(y), b.forward(y)];
  });

  it('gives all branches one quantizer', () => {
    expect(names(place(model, [1, 2, 3, 3]))).toEqual(['parts/2/ReLU/fq_output_0']);
  });

  it('can be left out', () => {
    expect(names(place(model, [1, 2, 3, 3], 'doNotMergeBranches'))).toEqual([
      'parts/0/Convolution/fq_input_0',
      'parts/1/Convolution/fq_input_0',
    ]);
  });
});

it('a quantizer per channel that came to a place without channels of known number is per tensor', async () => {
  const [depthwise, relu] = [new nn.Conv2d(4, 4, 3, { padding: 1, groups: 4 }), new nn.ReLU()];
  const model = new Net([depthwise, relu], (x) =>
    depthwise.forward(F.permute(relu.forward(F.permute(x, [1, 0, 2, 3])), [1, 0, 2, 3])),
  );
  const quantized = await quantize(model, [randn([2, 4, 3, 3])]);
  const quantizer = quantized.quantizer('parts/1/ReLU/fq_output_0');
  expect(quantizer.spec.perChannel).toBe(false);
  expect(quantizer.parameters[0].shape).toEqual([1]);
  expect(valuesOf(quantized.forward(randn([3, 4, 3, 3]))).every(Number.isFinite)).toBe(true);
});

it('a model that only moves values has nothing to quantize, and quantize() says so', async () => {
  const model = new Net([], (x) => F.concat([F.flatten(x, 1), F.flatten(x, 1)], 1));
  await expect(quantize(model, [randn([1, 2, 3])])).rejects.toThrow(
    /nothing to quantize for target 'any'.*Reshape, Concat/,
  );
});

it('an input that is returned is not quantized', async () => {
  const fc = new nn.Linear(3, 2);
  const quantized = await quantize(new Net([fc], (x) => [x, fc.forward(x)]), [randn([1, 3])]);
  expect(quantized.quantizers.map(({ name }) => name)).toEqual([
    'parts/0/MatMul/fq_input_0',
    'parts/0/MatMul/fq_weights_1',
  ]);
  const x = randn([2, 3]);
  expect(valuesOf((quantized.forward(x) as Tensor[])[0])).toEqual(valuesOf(x));
});
