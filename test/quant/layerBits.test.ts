/** Bit widths by name: which quantizers get them, what happens at branches, and what is refused. */
import { beforeAll, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { parseIr } from '../../src/ir/reader.js';
import { serializeModel } from '../../src/ir/writer.js';
import * as nn from '../../src/nn/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { getConfig, loadFromConfig } from '../../src/quant/config.js';
import type { BitsByName } from '../../src/quant/layerBits.js';
import { type QuantizeOptions, quantize } from '../../src/quant/quantize.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, type SmallNet, valuesOf, warmedUp } from './models.js';
import { SharedConvolution } from './sharedConvolution.js';

const data = images(2);
let net: SmallNet;
beforeAll(() => {
  manualSeed(1);
  net = warmedUp();
});

const widths = async (bitsByName: BitsByName, options: QuantizeOptions = {}, model: nn.Module = net) =>
  new Map(
    (await quantize(model, data, { ...options, bitsByName })).quantizers.map(({ name, spec }) => [name, spec.bits]),
  );

const CONV = 'conv/Convolution/fq_weights_1';
const BLOCK = 'block/0/Convolution/fq_weights_1';
const FC = 'fc/MatMul/fq_weights_1';

describe('bits by name', () => {
  it('are those of a layer’s weights and of what it reads; the others keep theirs', async () => {
    const found = await widths({ conv: 4 });
    expect(found.get(CONV)).toBe(4);
    expect(found.get('input/fq_output_0')).toBe(4);
    const others = [...found].filter(([name]) => name !== CONV && name !== 'input/fq_output_0');
    expect(others.length).toBeGreaterThan(4);
    expect(others.every(([, bits]) => bits === 8)).toBe(true);
  });

  it('may be of weights or of activations alone', async () => {
    const found = await widths({ conv: { weights: 3 }, fc: { activations: 5 } });
    expect(found.get(CONV)).toBe(3);
    expect(found.get('input/fq_output_0')).toBe(8);
    expect(found.get(FC)).toBe(8);
    expect([...found.values()].filter((bits) => bits === 5)).toHaveLength(1);
  });

  it('are found by operation, by layer path, and by expression; the last that matches decides', async () => {
    expect((await widths({ 'conv/Convolution': 4 })).get(CONV)).toBe(4);
    expect((await widths({ 'block.0': 4 })).get(BLOCK)).toBe(4);
    expect((await widths({ block: 4 })).get(BLOCK)).toBe(4);
    const found = await widths([
      [/Convolution/g, { weights: 2 }],
      ['block', { weights: 6 }],
      [/^fc/, { weights: 7 }],
    ]);
    expect([CONV, BLOCK, FC].map((name) => found.get(name))).toEqual([2, 6, 7]);
    const map = new Map<string | RegExp, number>([
      [/./, 4],
      ['fc', 8],
    ]);
    const all = await widths(map);
    expect([CONV, BLOCK, FC].map((name) => all.get(name))).toEqual([4, 4, 8]);
  });

  it('go with the bits of all layers', async () => {
    const found = await widths({ conv: 8, fc: { weights: 8 } }, { bits: 4 });
    expect([CONV, BLOCK, FC].map((name) => found.get(name))).toEqual([8, 4, 8]);
    expect(found.get('input/fq_output_0')).toBe(8);
  });

  it('of branches that differ give each branch a quantizer of its own', async () => {
    class Fork extends nn.Module {
      readonly left = new nn.Conv2d(2, 2, 1);
      readonly right = new nn.Conv2d(2, 2, 1);
      override forward(x: Tensor): Tensor {
        return add(this.left.forward(x) as Tensor, this.right.forward(x) as Tensor);
      }
    }
    const fork = new Fork();
    expect((await widths({}, {}, fork)).get('input/fq_output_0')).toBe(8);
    const found = await widths({ left: 4 }, {}, fork);
    expect(found.get('input/fq_output_0')).toBeUndefined();
    expect([found.get('left/Convolution/fq_input_0'), found.get('right/Convolution/fq_input_0')]).toEqual([4, 8]);
  });

  it('are kept by the configuration and the file', async () => {
    const model = (await quantize(net, data, { bitsByName: { conv: 4, fc: { weights: 2 } } })).eval();
    const config = JSON.parse(JSON.stringify(getConfig(model)));
    const rebuilt = loadFromConfig(warmedUp(), config);
    expect(rebuilt.quantizers.map(({ spec }) => spec.bits)).toEqual(model.quantizers.map(({ spec }) => spec.bits));
    const { xml, bin } = await serializeModel(model);
    const codes = valuesOf(parseIr(xml, bin).graph.node('fc.weight').constant.tensor);
    expect(Math.max(...codes.map(Math.abs))).toBe(1);
    expect(xml).toContain('levels="16"');
    const [own, file] = noGrad(() => [model.forward(data[0]), parseIr(xml, bin).forward(data[0])].map(valuesOf));
    own.forEach((value, index) => {
      expect(file[index]).toBeCloseTo(value, 4);
    });
  });

  it('of few bits keep a layer from having its range doubled', async () => {
    const scale = async (bitsByName: BitsByName, overflowFix: QuantizeOptions['overflowFix']) =>
      valuesOf((await quantize(net, data, { bitsByName, overflowFix })).quantizer(CONV).parameters[0]);
    expect(await scale({ conv: { weights: 4 } }, 'firstLayer')).toEqual(
      await scale({ conv: { weights: 4 } }, 'disable'),
    );
    expect(await scale({ fc: { weights: 4 } }, 'firstLayer')).not.toEqual(await scale({}, 'disable'));
  });

  it('of shared weights must agree', async () => {
    const shared = new SharedConvolution();
    await expect(widths({ 'conv/Convolution_1': { weights: 4 } }, {}, shared)).rejects.toThrow(
      /'conv.weight'.*'conv\/Convolution'.*4 bits.*'conv\/Convolution_1'/,
    );
    expect((await widths({ conv: { weights: 4 } }, {}, shared)).get('conv/Convolution/fq_weights_1')).toBe(4);
  });

  it('are checked', async () => {
    await expect(widths({ cnov: 4 })).rejects.toThrow(/Did you mean 'conv'/);
    await expect(widths([[/nothing/, 4]])).rejects.toThrow(/\/nothing\//);
    await expect(widths({ 'relu/ReLU': { weights: 4 } })).rejects.toThrow(/no effect for 'relu\/ReLU'/);
    await expect(widths({ conv: 1 })).rejects.toThrow(/from 2 to 8/);
    await expect(widths({ conv: { weight: 4 } as object })).rejects.toThrow(/Did you mean 'weights'/);
    await expect(widths([['conv']] as never)).rejects.toThrow(/entry 0/);
    await expect(widths(5 as never)).rejects.toThrow(/bitsByName/);
  });
});

it('quantize() sets the gradients of ranges', async () => {
  const model = await quantize(net, data, { rangeGradient: 'exact' });
  expect(model.quantizers.every(({ rangeGradient }) => rangeGradient === 'exact')).toBe(true);
  await expect(quantize(net, data, { rangeGradient: 'both' as 'nncf' })).rejects.toThrow(/'nncf', 'exact'/);
});
