/** getConfig and loadFromConfig: a quantized model from a float model and plain JSON. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { FormatError, ValidationError } from '../../src/errors.js';
import * as nn from '../../src/nn/index.js';
import { concat } from '../../src/ops/movement/concat.js';
import { CONFIG_VERSION, getConfig, loadFromConfig, type QuantizationConfig } from '../../src/quant/config.js';
import { quantize } from '../../src/quant/quantize.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, SmallNet, stateOf, valuesOf } from './models.js';
import { SharedConvolution } from './sharedConvolution.js';

class Joins extends nn.Module {
  readonly a = new nn.Conv2d(2, 2, 1);
  readonly b = new nn.Conv2d(2, 2, 1);
  readonly c = new nn.Conv2d(4, 2, 1);
  override forward(x: Tensor): Tensor {
    return this.c.forward(concat([this.a.forward(x).relu(), this.b.forward(x)], 1));
  }
}

const data = images(4);
const evaluate = (model: QuantizedModel): number[] => {
  model.eval();
  return noGrad(() => valuesOf(model.forward(data[1])));
};
const throughJson = (config: QuantizationConfig): QuantizationConfig => JSON.parse(JSON.stringify(config));

/** The quantized model from a fresh float model, the configuration as text, and the state. */
function rebuild<M extends nn.Module>(quantized: QuantizedModel, make: () => M): QuantizedModel<M> {
  const copy = loadFromConfig(make(), throughJson(getConfig(quantized)));
  copy.loadStateDict(quantized.stateDict());
  return copy;
}

beforeEach(() => {
  manualSeed(2);
});

describe('round trip', () => {
  it.each<[string, () => nn.Module]>([
    ['a residual network', () => new SmallNet(0.1)],
    ['one scale at a concat', () => new Joins()],
    ['a shared layer', () => new SharedConvolution()],
  ])('of %s gives equal outputs bit for bit', async (_, make) => {
    for (const preset of ['performance', 'mixed'] as const) {
      const quantized = await quantize(make().eval(), data, { preset, bits: { weights: 4 } });
      const copy = rebuild(quantized, make);
      expect(evaluate(copy)).toEqual(evaluate(quantized));
      expect(stateOf(copy)).toEqual(stateOf(quantized));
      expect(copy.quantizers.map(({ name, spec, target }) => ({ name, spec, target }))).toEqual(
        quantized.quantizers.map(({ name, spec, target }) => ({ name, spec, target })),
      );
      expect(copy.record).toEqual(throughJson(getConfig(quantized)).record);
    }
  });

  it('is the same text again', async () => {
    const quantized = await quantize(new SmallNet(), data);
    const text = JSON.stringify(getConfig(quantized));
    expect(JSON.stringify(getConfig(rebuild(quantized, () => new SmallNet())))).toBe(text);
    expect(text).not.toMatch(/NaN|undefined/);
  });

  it('trains on as the original does', async () => {
    const quantized = await quantize(new SmallNet(), data);
    const copy = rebuild(quantized, () => new SmallNet());
    const gradients = [quantized, copy].map((model) => {
      model.train();
      (model.forward(data[0]) as Tensor).sum().backward();
      return [...model.namedParameters()].map(([name, { grad }]) => [name, grad && valuesOf(grad)]);
    });
    expect(gradients[1]).toEqual(gradients[0]);
  });

  it('keeps parameters shared that were', async () => {
    const quantized = await quantize(new Joins(), data);
    const shares = (model: QuantizedModel): boolean => {
      const [first, second] = ['ReLU/fq_output_0', 'b/Add/fq_output_0'].map((name) => model.quantizer(name));
      return first.parameters[0] === second.parameters[0];
    };
    expect(shares(quantized)).toBe(true);
    const copy = rebuild(quantized, () => new Joins());
    expect(shares(copy)).toBe(true);
    expect(copy.parameters().length).toBe(quantized.parameters().length);
  });

  it('names shared parameters after the same quantizer, whichever runs first', async () => {
    class Backwards extends Joins {
      override forward(x: Tensor): Tensor {
        const first = this.a.forward(x).relu();
        return this.c.forward(concat([this.b.forward(x), first], 1));
      }
    }
    const quantized = await quantize(new Backwards(), data);
    const copy = rebuild(quantized, () => new Backwards());
    expect(evaluate(copy)).toEqual(evaluate(quantized));
    expect(getConfig(quantized).quantizers.at(-1)?.shares).toBe('ReLU/fq_output_0');
    expect(getConfig(copy)).toEqual(getConfig(quantized));
  });

  it('keeps quantizers off that were', async () => {
    const quantized = await quantize(new SmallNet(), data);
    quantized.quantizer('input/fq_output_0').disable();
    const copy = rebuild(quantized, () => new SmallNet());
    expect(copy.quantizers.filter(({ enabled }) => !enabled).map(({ name }) => name)).toEqual(['input/fq_output_0']);
    expect(evaluate(copy)).toEqual(evaluate(quantized));
  });

  it('keeps layers in float that were, also where they share weights', async () => {
    const options = { ignoredScope: { names: ['conv/Convolution_1'] } };
    const quantized = await quantize(new SharedConvolution(), data, options);
    const copy = rebuild(quantized, () => new SharedConvolution());
    expect(copy.graph.node('conv/Convolution_1').inputs[1].node.isConstant).toBe(true);
    expect(evaluate(copy)).toEqual(evaluate(quantized));
  });

  it('leaves the given float model alone', async () => {
    const quantized = await quantize(new SmallNet(), data);
    const model = new SmallNet();
    const before = stateOf(model);
    const copy = loadFromConfig(model, getConfig(quantized));
    copy.loadStateDict(quantized.stateDict());
    expect(stateOf(model)).toEqual(before);
    expect(copy.training).toBe(model.training);
  });

  it('takes other batch sizes than calibration had', async () => {
    const quantized = await quantize(new SmallNet(), data);
    const copy = rebuild(quantized, () => new SmallNet());
    const large = images(1, 5)[0];
    expect(valuesOf(copy.eval().forward(large))).toEqual(valuesOf(quantized.eval().forward(large)));
  });
});

describe('errors', () => {
  const configOf = async (): Promise<QuantizationConfig> => getConfig(await quantize(new SmallNet(), data));

  it('a model without the operations that are named', async () => {
    const config = await configOf();
    expect(() => loadFromConfig(new SharedConvolution(), config)).toThrow(ValidationError);
    expect(() => loadFromConfig(new SharedConvolution(), config)).toThrow(/does not have/);
  });

  it('a model whose layers have other sizes', async () => {
    const config = await configOf();
    class Wider extends SmallNet {
      override readonly fc = new nn.Linear(3, 5);
    }
    expect(() => loadFromConfig(new Wider(), config)).toThrow(/fc\/MatMul/);
  });

  it('a configuration of a newer version', async () => {
    const config = { ...(await configOf()), version: CONFIG_VERSION + 1 };
    expect(() => loadFromConfig(new SmallNet(), config)).toThrow(FormatError);
    expect(() => loadFromConfig(new SmallNet(), config)).toThrow(/version 3.*Update/s);
  });

  it.each<[string, (config: QuantizationConfig) => unknown]>([
    ['nothing', () => null],
    ['text', () => 'config'],
    ['an empty object', () => ({})],
    ['no version', ({ version, ...rest }) => (version ? rest : rest)],
    ['no quantizers', (config) => ({ ...config, quantizers: undefined })],
    ['no record', (config) => ({ ...config, record: undefined })],
    ['no target', (config) => ({ ...config, quantizers: [{ ...config.quantizers[0], target: undefined }] })],
    ['an unknown mode', (config) => changed(config, { spec: { ...config.quantizers[0].spec, mode: 'cubic' } })],
    ['bits in words', (config) => changed(config, { spec: { ...config.quantizers[0].spec, bits: 'eight' } })],
    ['a shape that is no list', (config) => changed(config, { shape: 3 })],
    ['an owner that is not there', (config) => changed(config, { shares: 'nobody' })],
    ['an unknown place', (config) => changed(config, { target: { ...config.quantizers[0].target, point: 'above' } })],
    ['a port that is not there', (config) => changed(config, { target: { ...config.quantizers[0].target, port: 7 } })],
  ])('%s instead of a configuration', async (_, damage) => {
    const damaged = damage(await configOf()) as QuantizationConfig;
    expect(() => loadFromConfig(new SmallNet(), damaged)).toThrow(/configuration/);
    expect(() => loadFromConfig(new SmallNet(), damaged)).toThrow(
      expect.objectContaining({ code: expect.any(String) }),
    );
  });
});

const changed = (config: QuantizationConfig, change: object): unknown => ({
  ...config,
  quantizers: config.quantizers.map((entry, index) => (index === 0 ? { ...entry, ...change } : entry)),
});
