/** Layers and weights that are used more than once, several inputs and several outputs: one quantizer for one tensor. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { deserializeCheckpoint, serializeCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { parseIr } from '../../src/ir/reader.js';
import { serializeModel } from '../../src/ir/writer.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import * as nn from '../../src/nn/index.js';
import * as F from '../../src/ops/functional.js';
import { Adam } from '../../src/optim/adam.js';
import { quantizeWithAccuracyControl } from '../../src/quant/accuracy/accuracyControl.js';
import { getConfig, loadFromConfig } from '../../src/quant/config.js';
import { quantize } from '../../src/quant/quantize.js';
import { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { report } from '../../src/quant/report/report.js';
import { strip } from '../../src/quant/strip.js';
import { withBackend } from '../../src/tensor/backend.js';
import { randint, randn } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { valuesOf } from './models.js';

interface Compared {
  left: Tensor;
  right: Tensor;
  distance: Tensor;
}

/** Two inputs through the same convolution, normalisation and matrix product; three outputs. */
class Siamese extends nn.Module {
  readonly conv = new nn.Conv2d(2, 4, 3, { padding: 1 });
  readonly norm = new nn.BatchNorm2d(4);
  readonly head = new nn.Linear(4, 3);

  embed(x: Tensor): Tensor {
    const y = F.relu(this.norm.forward(this.conv.forward(x)));
    return this.head.forward(F.mean(y, [2, 3]));
  }

  override forward(left: Tensor, right: Tensor): Compared {
    const [a, b] = [this.embed(left), this.embed(right)];
    return { left: a, right: b, distance: F.mean(F.multiply(F.subtract(a, b), F.subtract(a, b)), [1]) };
  }
}

/** An embedding table that is also the classifier (tied weights). */
class Tied extends nn.Module {
  readonly table = new nn.Embedding(7, 6);
  readonly inner = new nn.Linear(6, 6);

  override forward(indices: Tensor): Tensor {
    const y = F.relu(this.inner.forward(this.table.forward(indices)));
    return F.matmul(y, F.permute(this.table.weight, [1, 0]));
  }
}

/** A convolution applied to its own output, as recurrent networks do. */
class Recurrent extends nn.Module {
  readonly conv = new nn.Conv2d(2, 2, 3, { padding: 1 });
  override forward(x: Tensor): Tensor {
    let y = x;
    for (let step = 0; step < 3; step++) y = F.relu(this.conv.forward(y));
    return y;
  }
}

const generator = new Generator(7);
const image = (): Tensor => randn([2, 2, 5, 5], { generator });
const pairs: [Tensor, Tensor][] = Array.from({ length: 3 }, () => [image(), image()]);
const outputsOf = (output: unknown): number[][] =>
  Object.values(output as Record<string, Tensor>).map((tensor) => valuesOf(tensor));
const evaluate = (model: nn.Module, inputs: Tensor[]): number[][] => {
  model.eval();
  const output = noGrad(() => model.forward(...inputs));
  return 'shape' in (output as object) ? [valuesOf(output)] : outputsOf(output);
};
const near = (actual: number[][], expected: number[][], digits = 4): void => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((values, output) => {
    values.forEach((value, index) => {
      expect(actual[output][index]).toBeCloseTo(value, digits);
    });
  });
};

let model: QuantizedModel<Siamese>;
beforeEach(async () => {
  manualSeed(2);
  const float = new Siamese();
  noGrad(() => {
    for (const pair of pairs) float.forward(...pair);
  });
  model = await quantize(float.eval(), pairs);
});

describe('a layer that is used twice', () => {
  it('has one quantizer for its weights, and each use one for its data', () => {
    const names = model.quantizers.map(({ name }) => name);
    expect(names.filter((name) => name.includes('fq_weights'))).toEqual([
      'conv/Convolution/fq_weights_1',
      'head/MatMul/fq_weights_1',
    ]);
    expect(names).toEqual(expect.arrayContaining(['input_0/fq_output_0', 'input_1/fq_output_0']));
    const quantized = ['conv/Convolution', 'conv/Convolution_1'].map(
      (name) => model.graph.node(name).inputs[1].node.name,
    );
    expect(quantized).toEqual(['conv/Convolution/fq_weights_1', 'conv/Convolution/fq_weights_1']);
  });

  it('trains the one range by the sum of the gradients of its uses', () => {
    model.eval();
    const scale = model.quantizer('conv/Convolution/fq_weights_1').parameters[0];
    const gradientOf = (choose: (output: Compared) => Tensor): number[] => {
      model.zeroGrad();
      choose(model.forward(...pairs[0])).backward();
      return valuesOf(scale.grad);
    };
    const left = gradientOf((output) => output.left.sum());
    const right = gradientOf((output) => output.right.sum());
    const both = gradientOf((output) => output.left.sum().add(output.right.sum()));
    both.forEach((value, index) => {
      expect(value).toBeCloseTo(left[index] + right[index], 4);
    });
    expect(left).not.toEqual(right);
  });

  it('changes everywhere when its quantizer is switched', () => {
    const before = evaluate(model, pairs[0]);
    model.quantizer('head/MatMul/fq_weights_1').disable();
    const after = evaluate(model, pairs[0]);
    expect(after[0]).not.toEqual(before[0]);
    expect(after[1]).not.toEqual(before[1]);
  });

  it('is the same planned and call by call', async () => {
    const wasm = WasmBackend.create();
    const [float, inputs] = withBackend(wasm, () => [new Siamese(), [image(), image()] as [Tensor, Tensor]] as const);
    const quantized = (await quantize(float.eval(), [inputs])).train();
    const step = (planned: boolean): unknown => {
      quantized.planned = planned;
      quantized.zeroGrad();
      const { left, right, distance } = quantized.forward(...inputs);
      left.sum().add(right.sum()).add(distance.sum()).backward();
      return [valuesOf(left), valuesOf(distance), quantized.parameters().map(({ grad }) => grad && valuesOf(grad))];
    };
    const state = quantized.stateDict();
    const planned = step(true);
    quantized.loadStateDict(state);
    expect(step(false)).toEqual(planned);
  });
});

describe('a model with several inputs and outputs', () => {
  it('comes back from its configuration, a checkpoint and a file', async () => {
    const expected = evaluate(model, pairs[1]);
    const rebuilt = loadFromConfig(new Siamese(), JSON.parse(JSON.stringify(getConfig(model))));
    rebuilt.loadStateDict(model.stateDict());
    near(evaluate(rebuilt, pairs[1]), expected, 12);
    const restored = deserializeCheckpoint(await serializeCheckpoint({ model }), { model: new Siamese() });
    near(evaluate(restored.model, pairs[1]), expected, 12);
    const { xml, bin } = await serializeModel(model);
    const file = parseIr(xml, bin);
    expect(file.graph.inputs.map(({ name }) => name)).toEqual(['input_0', 'input_1']);
    expect(file.graph.outputs.map(({ name }) => name).sort()).toEqual(['distance', 'left', 'right']);
    near(evaluate(file, pairs[1]), expected);
    expect(xml.match(/element_type="i8"/g)).toHaveLength(2);
  });

  it('trains', () => {
    model.train();
    const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
    const losses = Array.from({ length: 6 }, (_, step) => {
      optimizer.zeroGrad();
      const loss = model.forward(...pairs[step % 2]).distance.mean();
      loss.backward();
      optimizer.step();
      return loss.itemSync();
    });
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(model.parameters().every(({ grad }) => grad !== null)).toBe(true);
  });

  it('is stripped, reported on, and brought back to float', async () => {
    for (const stripFormat of ['native', 'inPlace', 'dq'] as const)
      near(evaluate(await strip(model, { stripFormat }), pairs[0]), evaluate(model, pairs[0]));
    const { quantizers, items } = await report(model, pairs);
    expect([quantizers.length, items]).toEqual([model.quantizers.length, 3]);
    const metric = async (network: nn.Module, samples: AsyncIterable<[Tensor, Tensor]>): Promise<number> => {
      for await (const _ of samples);
      const on = network instanceof QuantizedModel ? network.quantizers : [];
      return on.some(({ name, enabled }) => enabled && name === 'conv/Convolution/fq_weights_1') ? 0 : 1;
    };
    const float = new Siamese().eval();
    const { model: result, reverted } = await quantizeWithAccuracyControl(float, pairs, pairs, metric);
    expect(reverted).toHaveLength(1);
    expect(reverted[0].operations).toEqual(['conv/Convolution', 'conv/Convolution_1']);
    expect(result.graph.node('conv/Convolution_1').inputs[1].node.isConstant).toBe(true);
  });
});

describe('tied weights', () => {
  it('of an embedding and a classifier have one quantizer', async () => {
    const indices = [randint(0, 7, [2, 3], { generator }), randint(0, 7, [2, 3], { generator })];
    const tied = new Tied().eval();
    const quantized = await quantize(tied, indices);
    const constants = quantized.graph.nodes.filter((node) => node.isConstant && node.constant.path === 'table.weight');
    expect(constants).toHaveLength(1);
    const readers = quantized.graph.uses().get(constants[0].outputs[0]) ?? [];
    const kinds = readers.map(({ node }) => node.type);
    expect(kinds.filter((type) => type.includes('FakeQuantize')).length).toBeLessThanOrEqual(1);
    const { xml, bin } = await serializeModel(quantized);
    near(evaluate(parseIr(xml, bin), [indices[0]]), evaluate(quantized, [indices[0]]), 3);
    quantized.train();
    quantized.forward(indices[0]).sum().backward();
    expect(quantized.parameters().every(({ grad }) => grad !== null)).toBe(true);
  });
});

describe('a layer that reads its own output', () => {
  it('has one quantizer for its weights and one for each value', async () => {
    const quantized = await quantize(new Recurrent().eval(), [image()]);
    const names = quantized.quantizers.map(({ name }) => name);
    expect(names.filter((name) => name.includes('fq_weights'))).toEqual(['conv/Convolution/fq_weights_1']);
    expect(names.filter((name) => !name.includes('fq_weights'))).toHaveLength(3);
    const x = image();
    const { xml, bin } = await serializeModel(quantized);
    near(evaluate(parseIr(xml, bin), [x]), evaluate(quantized, [x]), 3);
  });
});
