/** strip(): the same computation and the same codes without what only training needs. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { deserializeCheckpoint, serializeCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { parseIr } from '../../src/ir/reader.js';
import { serializeModel } from '../../src/ir/writer.js';
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { concat } from '../../src/ops/functional.js';
import { type QuantizeOptions, quantize } from '../../src/quant/quantize.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { isQuantizer } from '../../src/quant/quantizer.js';
import { removeQuantizers } from '../../src/quant/quantizerRemoval.js';
import { strip } from '../../src/quant/strip.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, SmallNet, stateOf, valuesOf, warmedUp } from './models.js';
import { SharedConvolution } from './sharedConvolution.js';

const data = images(3);
const options: QuantizeOptions[] = [{}, { preset: 'mixed' }, { bits: 3 }, { overflowFix: 'enable' }];

const evaluate = (model: nn.Module): number[] => {
  model.eval();
  return noGrad(() => valuesOf(model.forward(data[0])));
};
const weightOf = (model: nn.Module, name: string): number[] => stateOf(model).get(name) as number[];

/** The constants of the file by name: types, shapes and values. */
async function constantsOf(model: nn.Module): Promise<Map<string, unknown>> {
  const { xml, bin } = await serializeModel(model);
  const constants = parseIr(xml, bin).graph.nodes.filter((node) => node.isConstant);
  return new Map(
    constants.map(({ name, constant: { tensor } }) => [name, [tensor.dtype, tensor.shape, valuesOf(tensor)]]),
  );
}

let model: QuantizedModel<SmallNet>;
beforeEach(async () => {
  manualSeed(1);
  model = await quantize(warmedUp(), data);
});

describe('native', () => {
  it.each(options)('%o: computes the same and writes the same file, byte by byte', async (each) => {
    const quantized = await quantize(warmedUp(), data, each);
    const stripped = await strip(quantized);
    expect(evaluate(stripped)).toEqual(evaluate(quantized));
    expect(await serializeModel(stripped)).toEqual(await serializeModel(quantized));
  });

  it('holds the values that the quantizers gave, and leaves the model as it is', async () => {
    const before = stateOf(model);
    const stripped = await strip(model);
    expect(stateOf(model)).toEqual(before);
    const quantizer = model.quantizer('conv/Convolution/fq_weights_1');
    const codes = valuesOf(quantizer.quantize(model.graph.node(quantizer.name).inputs[0].node.constant.tensor));
    const scales = valuesOf(quantizer.parameters[0]);
    weightOf(stripped, 'conv.weight').forEach((value, index) => {
      expect(value).toBeCloseTo((codes[index] * scales[Math.floor(index / 18)]) / 127, 6);
    });
    expect(weightOf(stripped, 'conv.weight')).not.toEqual(before.get('conv.weight'));
    expect(stripped.quantizers.map(({ name }) => name)).toEqual(model.quantizers.map(({ name }) => name));
    expect(stripped.rangeParameters().every(({ requiresGrad }) => !requiresGrad)).toBe(true);
    expect(model.rangeParameters().every(({ requiresGrad }) => requiresGrad)).toBe(true);
  });

  it('changes the model itself on request', async () => {
    const expected = await strip(model);
    expect(await strip(model, { doCopy: false })).toBe(model);
    expect(stateOf(model)).toEqual(stateOf(expected));
  });

  it('is saved and restored like any quantized model', async () => {
    const stripped = await strip(model);
    const restored = deserializeCheckpoint(await serializeCheckpoint({ model: stripped }), { model: new SmallNet() });
    expect(evaluate(restored.model)).toEqual(evaluate(stripped));
  });
});

describe('inPlace', () => {
  it.each(options)('%o: computes the same without quantizers of weights', async (each) => {
    const quantized = await quantize(warmedUp(), data, each);
    const stripped = await strip(quantized, { stripFormat: 'inPlace' });
    expect(evaluate(stripped)).toEqual(evaluate(quantized));
    const kinds = new Set(stripped.quantizers.map(({ spec }) => spec.kind));
    expect(kinds).toEqual(new Set(['activations']));
    const frozen = [...stripped.namedParameters()].filter(([, { requiresGrad }]) => !requiresGrad);
    expect(frozen.map(([name]) => name)).toEqual(
      expect.arrayContaining(['conv.weight', 'block.0.weight', 'fc.weight']),
    );
    const { xml, bin } = await serializeModel(stripped);
    expect(xml).not.toContain('element_type="i8"');
    expect(bin.length).toBeGreaterThan(0);
  });

  it('restores from a checkpoint', async () => {
    const stripped = await strip(model, { stripFormat: 'inPlace' });
    const restored = deserializeCheckpoint(await serializeCheckpoint({ model: stripped }), { model: new SmallNet() });
    expect(evaluate(restored.model)).toEqual(evaluate(stripped));
  });
});

describe('dq', () => {
  it.each(options)('%o: holds 8-bit codes, and writes the same constants', async (each) => {
    const quantized = await quantize(warmedUp(), data, each);
    const stripped = await strip(quantized, { stripFormat: 'dq' });
    const state = stripped.stateDict();
    expect(state.get('conv.weight')?.dtype).toBe('int8');
    expect(state.get('fc.weight')?.dtype).toBe('int8');
    expect(await constantsOf(stripped)).toEqual(await constantsOf(quantized));
    // Codes times a float32 step instead of codes divided by its inverse: the last bit of a weight may differ.
    const [own, before] = [evaluate(stripped), evaluate(quantized)];
    own.forEach((value, index) => {
      expect(Math.abs(value - before[index])).toBeLessThan(1e-5);
    });
  });
});

describe('weights that several layers use', () => {
  it.each(['native', 'inPlace', 'dq'] as const)('%s: stay one tensor', async (stripFormat) => {
    const quantized = await quantize(new SharedConvolution(), data);
    const stripped = await strip(quantized, { stripFormat });
    const [first, second] = ['conv/Convolution', 'conv/Convolution_1'].map((name) => stripped.graph.node(name));
    expect(first.inputs[1]).toBe(second.inputs[1]);
    evaluate(quantized).forEach((value, index) => {
      expect(evaluate(stripped)[index]).toBeCloseTo(value, 5);
    });
  });

  it.each(['native', 'inPlace', 'dq'] as const)('%s: stay in float where a layer is ignored', async (stripFormat) => {
    const quantized = await quantize(new SharedConvolution(), data, {
      ignoredScope: { names: ['conv/Convolution_1'] },
    });
    const stripped = await strip(quantized, { stripFormat });
    const [own, before] = [evaluate(stripped), evaluate(quantized)];
    before.forEach((value, index) => {
      expect(own[index]).toBeCloseTo(value, 5);
    });
    expect(weightOf(stripped, 'conv.weight')).toEqual(weightOf(quantized, 'conv.weight'));
  });
});

describe('quantizers', () => {
  it('that are off are gone', async () => {
    model.quantizer('conv/Convolution/fq_weights_1').disable();
    model.quantizer('relu/ReLU/fq_output_0').disable();
    const expected = evaluate(model);
    const stripped = await strip(model);
    expect(stripped.quantizers.map(({ name }) => name)).not.toContain('conv/Convolution/fq_weights_1');
    expect(stripped.quantizers.length).toBe(model.quantizers.length - 2);
    expect(evaluate(stripped)).toEqual(expected);
    expect(weightOf(stripped, 'conv.weight')).toEqual(weightOf(model, 'conv.weight'));
  });

  it('that shared the range of one that is gone keep it, under their own name', async () => {
    class Joined extends nn.Module {
      readonly first = new nn.Conv2d(2, 2, 1);
      readonly second = new nn.Conv2d(2, 2, 1);
      readonly third = new nn.Conv2d(2, 2, 1);
      readonly last = new nn.Conv2d(6, 2, 1);
      override forward(x: Tensor): Tensor {
        const parts = [this.first.forward(x), this.second.forward(x), this.third.forward(x)] as Tensor[];
        return this.last.forward(add(concat(parts, 1), 0)) as Tensor;
      }
    }
    class Direct extends Joined {
      override forward(x: Tensor): Tensor {
        const parts = [this.first.forward(x), this.second.forward(x), this.third.forward(x)] as Tensor[];
        return this.last.forward(concat(parts, 1)) as Tensor;
      }
    }
    const joined = await quantize(new Direct(), data);
    const sharers = joined.quantizers.filter((quantizer) => quantizer.owner !== quantizer.name);
    expect(sharers.length).toBe(2);
    const owner = joined.quantizer(sharers[0].owner);
    const scale = valuesOf(owner.parameters[0]);
    owner.disable();
    const expected = evaluate(joined);
    const stripped = await strip(joined);
    const left = sharers.map(({ name }) => stripped.quantizer(name));
    expect(left.map((quantizer) => quantizer.owner)).toEqual([left[0].name, left[0].name]);
    expect(left.map((quantizer) => valuesOf(quantizer.parameters[0]))).toEqual([scale, scale]);
    expect([...stripped.namedParameters()].map(([name]) => name)).toContain(`quantizers.${left[0].name}.scale`);
    expect(evaluate(stripped)).toEqual(expected);
    const restored = deserializeCheckpoint(await serializeCheckpoint({ model: stripped }), { model: new Direct() });
    expect(evaluate(restored.model)).toEqual(expected);
  });

  it('all removed leave the float model', async () => {
    const float = warmedUp();
    const quantized = await quantize(float, data, { advancedParameters: { disableBiasCorrection: true } });
    removeQuantizers(quantized.graph, quantized.graph.nodes.filter(isQuantizer));
    expect(quantized.quantizers).toEqual([]);
    for (const [name, values] of stateOf(quantized)) expect(values, name).toEqual(stateOf(float).get(name));
    expect(evaluate(quantized)).toEqual(evaluate(float));
  });
});

describe('bad input', () => {
  it('is refused before anything changes', async () => {
    await expect(strip(model, { stripFormat: 'torch' as 'native' })).rejects.toThrow(/'native', 'inPlace', 'dq'/);
    await expect(strip(model, { format: 'dq' } as object)).rejects.toThrow(/stripFormat/);
    await expect(strip(warmedUp() as never)).rejects.toThrow(/not a QuantizedModel/);
    const scale = model.quantizer('fc/MatMul/fq_weights_1').parameters[0];
    scale.assign_(scale.mul(Number.NaN).detach());
    const before = stateOf(model);
    await expect(strip(model, { doCopy: false })).rejects.toThrow(/fc\/MatMul\/fq_weights_1/);
    expect(String([...stateOf(model)])).toEqual(String([...before]));
  });
});
