/** Models quantized with options that change the graph or its ends: through the configuration and through a file. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { FormatError, ValidationError } from '../../src/errors.js';
import { parseIr } from '../../src/ir/reader.js';
import { serializeModel } from '../../src/ir/writer.js';
import * as nn from '../../src/nn/index.js';
import * as F from '../../src/ops/functional.js';
import { getConfig, loadFromConfig, type QuantizationConfig } from '../../src/quant/config.js';
import { type QuantizeOptions, quantize } from '../../src/quant/quantize.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { randint, randn } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, SmallNet, stateOf } from './models.js';

/** An encoder block whose activations have channels of very different sizes. */
class Encoder extends nn.Module {
  readonly q = new nn.Linear(8, 8);
  readonly k = new nn.Linear(8, 8);
  readonly v = new nn.Linear(8, 8);
  readonly norm = new nn.LayerNorm(8);
  readonly up = new nn.Linear(8, 16);
  readonly down = new nn.Linear(16, 8);

  override forward(x: Tensor): Tensor {
    const [q, k, v] = [this.q, this.k, this.v].map((layer) =>
      F.permute(F.reshape(layer.forward(x), [-1, 4, 2, 4]), [0, 2, 1, 3]),
    );
    const weights = F.softmax(F.matmul(q, F.permute(k, [0, 1, 3, 2])), -1);
    const y = F.add(F.reshape(F.permute(F.matmul(weights, v), [0, 2, 1, 3]), [-1, 4, 8]), x);
    return F.add(this.down.forward(F.gelu(this.up.forward(this.norm.forward(y)))), y);
  }
}

/** An embedding and a float input, joined in front of a linear layer, and a value that is also returned. */
class Tables extends nn.Module {
  readonly table = new nn.Embedding(9, 6);
  readonly fc = new nn.Linear(10, 3);

  override forward(ids: Tensor, x: Tensor): Tensor[] {
    const joined = F.concat([this.table.forward(ids), x], 2);
    return [this.fc.forward(joined), F.relu(x)];
  }
}

const generator = new Generator(5);
const sequences = Array.from({ length: 3 }, () => [
  F.multiply(randn([1, 4, 8], { generator }), randn([8], { generator })),
]);
const pairs = Array.from({ length: 3 }, () => [
  randint(0, 9, [1, 4], { generator, dtype: 'int32' }),
  randn([1, 4, 4], { generator }),
]);

const CASES: readonly [string, () => nn.Module, readonly Tensor[][], QuantizeOptions][] = [
  [
    'quantized outputs',
    () => new SmallNet(),
    images(3).map((image) => [image]),
    { advancedParameters: { quantizeOutputs: true } },
  ],
  ['a transformer', () => new Encoder(), sequences, { modelType: 'transformer' }],
  [
    'a transformer with quantized outputs',
    () => new Encoder(),
    sequences,
    { modelType: 'transformer', advancedParameters: { quantizeOutputs: true, smoothQuantAlphas: { matmul: 0.5 } } },
  ],
  ['an embedding that shares a scale', () => new Tables(), pairs, { advancedParameters: { quantizeOutputs: true } }],
];

beforeEach(() => {
  manualSeed(4);
});

const run = (model: { forward(...inputs: Tensor[]): unknown }, inputs: readonly Tensor[]): number[][] => {
  const result = noGrad(() => model.forward(...inputs));
  return (Array.isArray(result) ? result : [result]).map((tensor: Tensor) => [...tensor.dataSync()]);
};

describe.each(CASES)('%s', (_, make, data, options) => {
  const quantized = async (): Promise<QuantizedModel> =>
    (await quantize(make().eval(), data, options)).eval() as QuantizedModel;

  it('comes back from the configuration and the state', async () => {
    const model = await quantized();
    const config = JSON.parse(JSON.stringify(getConfig(model))) as QuantizationConfig;
    const copy = loadFromConfig(make().eval(), config);
    copy.loadStateDict(model.stateDict());
    expect(stateOf(copy)).toEqual(stateOf(model));
    expect(run(copy.eval(), data[1])).toEqual(run(model, data[1]));
    expect(JSON.parse(JSON.stringify(getConfig(copy)))).toEqual(config);
    expect(copy.record.advancedParameters).toEqual(options.advancedParameters);
  });

  it('computes the same from a file', async () => {
    const model = await quantized();
    const { xml, bin } = await serializeModel(model);
    const expected = run(model, data[1]);
    run(parseIr(xml, bin), data[1]).forEach((values, index) => {
      const step = Math.max(...expected[index].map(Math.abs)) / 100;
      values.forEach((value, position) => {
        expect(Math.abs(value - expected[index][position])).toBeLessThan(step);
      });
    });
  });
});

it('outputs are on the grid only if asked to', async () => {
  const results = async (quantizeOutputs: boolean): Promise<number> => {
    const model = await quantize(new SmallNet().eval(), images(3), { advancedParameters: { quantizeOutputs } });
    const [output] = model.graph.outputs;
    return Number(output.value.node.name.includes('/fq_'));
  };
  expect([await results(false), await results(true)]).toEqual([0, 1]);
});

it('a configuration with a damaged smoothing is refused', async () => {
  const config = getConfig(await quantize(new Encoder().eval(), sequences, { modelType: 'transformer' }));
  expect(config.version).toBe(2);
  const [place] = config.smoothed ?? [];
  const damaged = (change: object): QuantizationConfig => ({ ...config, smoothed: [{ ...place, ...change }] });
  expect(() => loadFromConfig(new Encoder(), damaged({ readers: [{ node: 'q/MatMul' }] }))).toThrow(FormatError);
  expect(() => loadFromConfig(new Encoder(), damaged({ source: { node: 'nowhere', port: 0 } }))).toThrow(
    ValidationError,
  );
});
