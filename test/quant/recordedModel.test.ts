/** Quantizing a model that was read from a file: it keeps the file's names, and grouped convolutions are quantized too. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImportedModel } from '../../src/ir/importedModel.js';
import { parseIr, serializeModel } from '../../src/ir/index.js';
import * as nn from '../../src/nn/index.js';
import { quantize } from '../../src/quant/index.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { randn } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const SHAPE = [2, 4, 6, 6];

describe('a model from a file with grouped convolutions', () => {
  let original: nn.Module;
  let imported: ImportedModel;
  let quantized: QuantizedModel;
  let items: Tensor[];

  beforeAll(async () => {
    manualSeed(1);
    original = new nn.Sequential(
      new nn.Conv2d(4, 8, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.Conv2d(8, 8, 3, { padding: 1, groups: 8 }),
      new nn.ReLU(),
      new nn.Conv2d(8, 6, 1, { groups: 2 }),
      new nn.ReLU(),
      new nn.ConvTranspose2d(6, 4, 2, { stride: 2, groups: 2 }),
    ).eval();
    const generator = new Generator(2);
    items = Array.from({ length: 3 }, () => randn(SHAPE, { generator }));
    const { xml, bin } = await serializeModel(original, { inputs: [items[0]] });
    imported = parseIr(xml, bin);
    quantized = await quantize(imported, items);
  });

  it('keeps the names of the file', async () => {
    const names = new Set(imported.graph.nodes.map(({ name }) => name));
    expect(quantized.quantizers.every(({ target }) => names.has(target.node))).toBe(true);
    expect(quantized.quantizers.map(({ name }) => name)).toContain('2/GroupConvolution/fq_weights_1');
    const ignoring = await quantize(imported, items, { ignoredScope: { names: ['2/GroupConvolution'] } });
    expect(ignoring.quantizers.map(({ name }) => name)).not.toContain('2/GroupConvolution/fq_weights_1');
  });

  it('gives quantizers the same places and ranges as the model that was written', async () => {
    const reference = await quantize(original, items);
    expect(quantized.quantizers.map(({ name }) => name)).toEqual(reference.quantizers.map(({ name }) => name));
    for (const quantizer of reference.quantizers) {
      const own = quantized.quantizer(quantizer.name);
      expect(own?.spec).toEqual(quantizer.spec);
      expect(own?.parameters.map(({ shape }) => shape)).toEqual(quantizer.parameters.map(({ shape }) => shape));
      quantizer.parameters.forEach((parameter, index) => {
        const values = own?.parameters[index].dataSync() ?? [];
        parameter.dataSync().forEach((value, element) => {
          expect(Math.abs(values[element] - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value));
        });
      });
    }
  });

  it('leaves the model that was read as it was, and writes a file that computes the same', async () => {
    expect(imported.graph.node('2/GroupConvolution').inputs[1].type.shape).toEqual([8, 1, 1, 3, 3]);
    const { xml, bin } = await serializeModel(quantized);
    const again = parseIr(xml, bin).forward(items[0]) as Tensor;
    const expected = (quantized.eval().forward(items[0]) as Tensor).dataSync();
    const largest = Math.max(...Array.from(expected, Math.abs));
    again.dataSync().forEach((value, index) => {
      expect(Math.abs(value - expected[index])).toBeLessThanOrEqual(0.02 * largest);
    });
  });
});
