/** SmoothQuant: what it keeps, what it gains, and which layers it leaves alone. NNCF's scales are compared in oracle/options.test.ts. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { type QuantizeOptions, quantize } from '../../src/quant/quantize.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { randn, tensor } from '../../src/tensor/create.js';
import { manualSeed, Generator as RandomGenerator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { stateOf, valuesOf } from './models.js';

/** Two layers that read the same value, and one that reads their sum. */
class Mlp extends nn.Module {
  readonly a = new nn.Linear(8, 16);
  readonly b = new nn.Linear(8, 16);
  readonly c = new nn.Linear(16, 4);
  override forward(x: Tensor): Tensor {
    return this.c.forward(add(this.a.forward(x), this.b.forward(x)).relu());
  }
}

const generator = new RandomGenerator(9);
/** One channel is a hundred times as large as the others. */
const sizes = tensor([1, 1, 100, 1, 0.5, 1, 2, 1]);
const data = Array.from({ length: 6 }, () => randn([1, 5, 8], { generator }).mul(sizes));

const make = (): Mlp => {
  manualSeed(3);
  const model = new Mlp().eval() as Mlp;
  // The large channel says no more than the others.
  for (const { weight } of [model.a, model.b]) noGrad(() => weight.assign_(weight.div(sizes)));
  return model;
};

const quantizeWith = async (options: QuantizeOptions): Promise<QuantizedModel> =>
  (await quantize(make(), data, { modelType: 'transformer', ...options })).eval() as QuantizedModel;

const smoothedNames = ({ graph }: QuantizedModel): string[] =>
  graph.nodes.map(({ name }) => name).filter((name) => name.endsWith('/nncf_smooth_quant'));

const run = (model: { forward(x: Tensor): unknown }): number[] =>
  noGrad(() => data.flatMap((x) => valuesOf(model.forward(x))));

const errorOf = (model: QuantizedModel): number => {
  const expected = run(make());
  return run(model).reduce((total, value, index) => total + (value - expected[index]) ** 2, 0);
};

describe('SmoothQuant', () => {
  it('changes nothing where nothing is quantized', async () => {
    const quantized = await quantizeWith({ advancedParameters: { disableBiasCorrection: true } });
    const expected = run(make());
    run(quantized.disableQuantization()).forEach((value, index) => {
      expect(Math.abs(value - expected[index])).toBeLessThan(1e-4);
    });
  });

  it('divides a value once for all layers that read it, and trains the scale', async () => {
    const quantized = await quantizeWith({});
    expect(smoothedNames(quantized)).toEqual(['input_0_0/nncf_smooth_quant', 'ReLU_0_0/nncf_smooth_quant']);
    const names = [...quantized.namedParameters()].map(([name]) => name);
    expect(names).toContain('smoothQuant.input_0_0/nncf_smooth_quant.scale');
  });

  it('takes most of the error of a channel that is much larger than the others', async () => {
    const without = await quantizeWith({ advancedParameters: { smoothQuantAlphas: { matmul: -1 } } });
    expect(smoothedNames(without)).toEqual([]);
    expect(errorOf(await quantizeWith({}))).toBeLessThan(errorOf(without) / 10);
  });

  it('leaves the float model and ignored layers alone', async () => {
    const model = make();
    const before = stateOf(model);
    const quantized = await quantize(model, data, { modelType: 'transformer', ignoredScope: { names: ['a', 'c'] } });
    expect(stateOf(model)).toEqual(before);
    expect(smoothedNames(quantized)).toEqual(['input_0_0/nncf_smooth_quant']);
    const after = stateOf(quantized);
    expect(after.get('a.weight')).toEqual(before.get('a.weight'));
    expect(after.get('b.weight')).not.toEqual(before.get('b.weight'));
  });

  it('is for transformers, and data that can be read only once will do', async () => {
    const once = (function* (): Generator<Tensor, void> {
      yield* data;
    })();
    expect(smoothedNames(await quantize(make(), data, {}))).toEqual([]);
    const quantized = await quantize(make(), once as Iterable<Tensor>, { modelType: 'transformer' });
    expect(stateOf(quantized)).toEqual(stateOf(await quantizeWith({})));
  });
});
