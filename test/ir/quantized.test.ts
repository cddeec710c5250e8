/** Quantized models: what the file says is what training computes. */
import { describe, expect, it } from 'vitest';
import { applyOne } from '../../src/autograd/dispatch.js';
import { noGrad } from '../../src/autograd/gradMode.js';
import type { GraphNode } from '../../src/graph/graph.js';
import { copyGraph } from '../../src/graph/graphModule.js';
import { findDequantization } from '../../src/ir/lowering/dequantization.js';
import { lower } from '../../src/ir/lowering/lower.js';
import { lowerQuantizers } from '../../src/ir/lowering/lowerQuantizers.js';
import { parseIr } from '../../src/ir/reader.js';
import { serializeModel } from '../../src/ir/writer.js';
import * as nn from '../../src/nn/index.js';
import { levelsOf } from '../../src/ops/quantization/quantizeDequantize.js';
import { type QuantizedModel, quantize } from '../../src/quant/index.js';
import type { Quantizer } from '../../src/quant/quantizer.js';
import { fromValues, randn } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { handBuilt } from '../openvino/networks/handBuilt.js';
import { batchFor, type Network, trainStatistics } from '../openvino/networks/network.js';
import { list } from './functionModule.js';

async function quantized(network: Network, options: Parameters<typeof quantize>[2] = {}): Promise<QuantizedModel> {
  const generator = new Generator(11);
  trainStatistics(network, generator);
  return quantize(network.model, [batchFor(network, 4, generator)], options);
}

manualSeed(21);
const networks = handBuilt();

describe('quantized models in IR', () => {
  for (const preset of ['performance', 'mixed'] as const) {
    it.each(networks)(`$name, ${preset}: the file computes what the model computes`, async (network) => {
      const model = await quantized(network, { preset });
      const { xml, bin } = await serializeModel(model);
      const inputs = batchFor(network, 8, new Generator(4));
      const expected = noGrad(() => list(Object.values(flat(model.forward(...inputs)))));
      const actual = noGrad(() => list(parseIr(xml, bin).forward(...inputs)));
      const quantum = Math.max(...activationQuantizers(model).map(stepOf));
      for (const [index, tensor] of expected.entries()) {
        const [e, a] = [tensor.dataSync(), actual[index].dataSync()];
        const within = e.filter((value, position) => Math.abs(value - a[position]) <= quantum).length;
        expect(within / e.length).toBeGreaterThanOrEqual(0.99);
        // Rounding differences in float32 may flip single codes; the values of most samples are the same.
        const same = e.filter((value, position) => Math.abs(value - a[position]) <= 1e-4).length;
        expect(same / e.length).toBeGreaterThan(0.8);
      }
    });
  }

  it.each(networks)('$name: the codes in the file are those of training', async (network) => {
    const model = await quantized(network);
    const copy = copyGraph(model.graph);
    await lowerQuantizers(copy);
    const found = new Map(copy.nodes.map((node) => [node.name, node]));
    for (const quantizer of model.quantizers.filter(({ spec }) => spec.kind === 'weights')) {
      const node = model.graph.node(quantizer.name);
      const weights = node.inputs[0].node.constant.tensor;
      const written = findDequantization((found.get(quantizer.name) as GraphNode).outputs[0]);
      expect(written?.codes.dtype).toBe('int8');
      expect(Array.from(written?.codes.dataSync() ?? [])).toEqual(Array.from(quantizer.quantize(weights).dataSync()));
      const fake = noGrad(() => evaluate(node)).dataSync();
      const dequantized = noGrad(() => evaluate(copy.node(quantizer.name))).dataSync();
      fake.forEach((value, index) => {
        expect(Math.abs(dequantized[index] - value)).toBeLessThanOrEqual(2.4e-7 * Math.abs(value));
      });
    }
  });

  it('keeps eight-bit weights of grouped convolutions in the shape that OpenVINO takes', async () => {
    const model = await quantized({
      name: 'groups',
      model: new nn.Sequential(new nn.Conv2d(4, 6, 3, { groups: 2 }), new nn.BatchNorm2d(6)),
      inputs: [[4, 5, 5]],
    });
    const graph = await lower(model.graph);
    const convolution = graph.nodes.find(({ type }) => type === 'GroupConvolution') as GraphNode;
    const weights = findDequantization(convolution.inputs[1]);
    expect(weights?.codes.shape).toEqual([2, 3, 2, 3, 3]);
    expect(weights?.scale.shape).toEqual([2, 3, 1, 1, 1]);
    expect(graph.nodes.map(({ type }) => type)).not.toContain('Reshape');
  });

  it('exports a quantizer that is off as nothing', async () => {
    const model = await quantized({ name: 'one', model: new nn.Sequential(new nn.Linear(3, 2)), inputs: [[3]] });
    const weights = model.quantizers.find(({ spec }) => spec.kind === 'weights') as Quantizer;
    weights.disable();
    const types = (await lower(model.graph)).nodes.map(({ type }) => type);
    expect(types).not.toContain('Convert');
    expect(types).toContain('FakeQuantize');
    model.disableQuantization();
    const x = randn([2, 3]);
    const { xml, bin } = await serializeModel(model);
    expect(xml).not.toContain('FakeQuantize');
    expect((parseIr(xml, bin).forward(x) as Tensor).dataSync()).toEqual((model.forward(x) as Tensor).dataSync());
  });

  it('exports the same in training mode as in evaluation mode', async () => {
    const model = await quantized(networks[1]);
    const evaluation = await serializeModel(model.eval());
    expect(await serializeModel(model.train())).toEqual(evaluation);
  });

  it('says how the model was made', async () => {
    const model = await quantized(networks[7], { preset: 'mixed', bits: { weights: 7 }, subsetSize: 5 });
    const { xml, bin } = await serializeModel(model);
    expect(parseIr(xml, bin).runtimeInfo).toMatchObject({
      quantgrad: {
        quantization: {
          preset: 'mixed',
          subset_size: '5',
          bits_weights: '7',
          bits_activations: '8',
          fast_bias_correction: 'true',
        },
      },
    });
  });

  it('names weights and ranges that have become NaN', async () => {
    const model = await quantized({ name: 'nan', model: new nn.Sequential(new nn.Linear(3, 2)), inputs: [[3]] });
    const [parameter] = model.parameters();
    parameter.assign_(
      fromValues(
        Float32Array.from(parameter.dataSync(), () => Number.NaN),
        parameter.shape,
        'float32',
      ),
    );
    await expect(serializeModel(model)).rejects.toMatchObject({ code: 'NON_FINITE_WEIGHTS' });
    const other = await quantized({ name: 'nan', model: new nn.Sequential(new nn.Linear(3, 2)), inputs: [[3]] });
    other.quantizers[0].parameters[0].assign_(
      fromValues(
        Float32Array.from(other.quantizers[0].parameters[0].dataSync(), () => Number.NaN),
        other.quantizers[0].parameters[0].shape,
        'float32',
      ),
    );
    await expect(serializeModel(other)).rejects.toMatchObject({
      code: 'QUANTIZER_RANGE',
      details: { quantizer: other.quantizers[0].name },
    });
  });
});

const flat = (result: unknown): Record<string, Tensor> =>
  (Array.isArray(result) || !(result as Tensor).dataSync ? result : { output: result }) as Record<string, Tensor>;

const activationQuantizers = ({ quantizers }: QuantizedModel): Quantizer[] =>
  quantizers.filter(({ spec }) => spec.kind === 'activations');

const stepOf = (quantizer: Quantizer): number =>
  Math.max(...quantizer.range().range.dataSync()) / (levelsOf(quantizer.codes) - 1);

/** What a node whose inputs lead to constants computes. */
function evaluate(node: GraphNode): Tensor {
  if (node.isConstant) return node.constant.tensor;
  const { definition, attributes } = node;
  return applyOne(
    definition,
    node.inputs.map((value) => evaluate(value.node)),
    attributes,
  );
}
