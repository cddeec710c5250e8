/** A quantized model as a module: training, evaluation, switching quantizers, and the float model left alone. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { ValidationError } from '../../src/errors.js';
import { crossEntropy } from '../../src/ops/loss/crossEntropy.js';
import { Adam } from '../../src/optim/adam.js';
import { quantize } from '../../src/quant/quantize.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { tensor } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, SmallNet, stateOf, valuesOf, warmedUp } from './models.js';
import { SharedConvolution } from './sharedConvolution.js';

const data = images(4);
const labels = tensor([0, 3], { dtype: 'int32' });
const forward = (model: QuantizedModel<SmallNet>, x = data[0]): Tensor => model.forward(x);
const evaluate = (model: QuantizedModel<SmallNet> | SmallNet): number[] => {
  model.eval();
  return noGrad(() => valuesOf(model.forward(data[0])));
};

function trainStep(model: QuantizedModel<SmallNet>, optimizer: Adam, x: Tensor): number {
  const loss = crossEntropy(model.forward(x), labels);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss.dataSync()[0];
}

let model: SmallNet;
let quantized: QuantizedModel<SmallNet>;
beforeEach(async () => {
  manualSeed(1);
  model = warmedUp();
  quantized = await quantize(model, data);
});

describe('parameters', () => {
  it('include one scale for each quantizer, besides those of the float model', () => {
    const own = [...quantized.namedParameters()].map(([name]) => name);
    const float = [...model.namedParameters()].map(([name]) => name);
    const scales = quantized.quantizers.map(({ name }) => `quantizers.${name}.scale`);
    expect([...own].sort()).toEqual([...float, ...scales].sort());
    expect(quantized.quantizers.length).toBe(8);
  });

  it('of asymmetric quantizers are a lower end and a range', async () => {
    const mixed = await quantize(model, data, { preset: 'mixed' });
    const names = [...mixed.namedParameters()].map(([name]) => name);
    expect(names).toContain('quantizers.input/fq_output_0.inputLow');
    expect(names).toContain('quantizers.input/fq_output_0.inputRange');
    expect(names).toContain('quantizers.fc/MatMul/fq_weights_1.scale');
  });

  it('all get gradients and all move', () => {
    quantized.train();
    const before = stateOf(quantized);
    const optimizer = new Adam(quantized.parameters(), { lr: 0.01 });
    const losses = data.map((x) => trainStep(quantized, optimizer, x));
    for (const [name, parameter] of quantized.namedParameters()) expect(parameter.grad, name).not.toBeNull();
    const after = stateOf(quantized);
    for (const [name] of quantized.namedParameters()) expect(after.get(name), name).not.toEqual(before.get(name));
    expect(losses.every(Number.isFinite)).toBe(true);
  });

  it('of a quantizer can be kept from training', () => {
    const fixed = quantized.quantizer('fc/MatMul/fq_weights_1');
    fixed.requiresGrad_(false);
    quantized.train();
    const before = valuesOf(fixed.parameters[0]);
    const optimizer = new Adam(
      quantized.parameters().filter((parameter) => parameter.requiresGrad),
      { lr: 0.01 },
    );
    trainStep(quantized, optimizer, data[0]);
    expect(fixed.parameters[0].grad).toBeNull();
    expect(valuesOf(fixed.parameters[0])).toEqual(before);
    fixed.requiresGrad_();
    crossEntropy(forward(quantized), labels).backward();
    expect(fixed.parameters[0].grad).not.toBeNull();
  });
});

describe('batch normalisation', () => {
  const running = (): number[][] =>
    [...quantized.namedBuffers()].filter(([name]) => name.includes('running')).map(([, buffer]) => valuesOf(buffer));

  it('stays live while training', () => {
    quantized.train();
    const before = running();
    expect(before.length).toBe(4);
    noGrad(() => forward(quantized));
    running().forEach((values, index) => {
      expect(values).not.toEqual(before[index]);
    });
  });

  it('is frozen in evaluation', () => {
    quantized.eval();
    const before = running();
    forward(quantized);
    expect(running()).toEqual(before);
  });

  it('normalises by the batch while training and by what it has seen in evaluation', () => {
    quantized.train();
    const training = noGrad(() => valuesOf(forward(quantized)));
    expect(evaluate(quantized)).not.toEqual(training);
  });
});

describe('evaluation', () => {
  it('is deterministic', () => {
    expect(evaluate(quantized)).toEqual(evaluate(quantized));
  });

  it('with quantized weights alone is close to the float model', () => {
    // Quantized activations are cut off at the mean of the images' ends, which may change a small network much.
    for (const quantizer of quantized.quantizers) if (quantizer.spec.kind === 'activations') quantizer.disable();
    const [own, float] = [evaluate(quantized), evaluate(model)];
    const scale = Math.max(...float.map(Math.abs));
    own.forEach((value, index) => {
      expect(Math.abs(value - float[index])).toBeLessThan(0.03 * scale);
    });
    expect(own).not.toEqual(float);
  });

  it('has no dropout; training has', async () => {
    const dropping = await quantize(new SmallNet(0.5).eval(), data);
    expect(evaluate(dropping)).toEqual(evaluate(dropping));
    dropping.train();
    const draws = Array.from({ length: 20 }, () => noGrad(() => String(valuesOf(forward(dropping)))));
    expect(new Set(draws).size).toBeGreaterThan(1);
  });

  it('records nothing under noGrad', () => {
    const output = noGrad(() => forward(quantized));
    expect(output.requiresGrad).toBe(false);
    expect(forward(quantized).requiresGrad).toBe(true);
  });
});

describe('switching quantizers', () => {
  it('all off gives the float model with corrected biases; on again, the same as before', async () => {
    const plain = await quantize(model, data, { advancedParameters: { disableBiasCorrection: true } });
    const on = evaluate(plain);
    plain.disableQuantization();
    expect(plain.quantizers.every(({ enabled }) => !enabled)).toBe(true);
    expect(evaluate(plain)).toEqual(evaluate(model));
    plain.enableQuantization();
    expect(evaluate(plain)).toEqual(on);
    expect(on).not.toEqual(evaluate(model));
  });

  it('one off leaves the others on', () => {
    const all = evaluate(quantized);
    const one = quantized.quantizer('fc/MatMul/fq_weights_1');
    one.disable();
    expect(quantized.quantizers.filter(({ enabled }) => !enabled).map(({ name }) => name)).toEqual([one.name]);
    expect(evaluate(quantized)).not.toEqual(all);
    one.enable();
    expect(evaluate(quantized)).toEqual(all);
  });

  it('off gives no gradient to the scale and lets that of the weights through', () => {
    quantized.disableQuantization().train();
    crossEntropy(forward(quantized), labels).backward();
    const gradients = new Map([...quantized.namedParameters()].map(([name, { grad }]) => [name, grad]));
    expect(gradients.get('quantizers.fc/MatMul/fq_weights_1.scale')).toBeNull();
    expect(gradients.get('fc.weight')).not.toBeNull();
  });

  it('names what there is when asked for one that is not there', () => {
    expect(() => quantized.quantizer('conv')).toThrow(ValidationError);
    expect(() => quantized.quantizer('conv')).toThrow(/conv\/Convolution\/fq_weights_1/);
  });
});

describe('the float model', () => {
  it('is not changed by quantization or by fine-tuning', () => {
    const before = stateOf(model);
    const output = evaluate(model);
    quantized.train();
    const optimizer = new Adam(quantized.parameters(), { lr: 0.05 });
    for (const x of data) trainStep(quantized, optimizer, x);
    expect(stateOf(model)).toEqual(before);
    expect(evaluate(model)).toEqual(output);
    expect(model.parameters().every(({ grad }) => grad === null)).toBe(true);
  });

  it('may go on training without changing the quantized one', () => {
    const before = evaluate(quantized);
    model.train();
    const optimizer = new Adam(model.parameters(), { lr: 0.05 });
    crossEntropy(model.forward(data[0]), labels).backward();
    optimizer.step();
    expect(evaluate(quantized)).toEqual(before);
  });

  it('can be quantized twice, independently', async () => {
    const second = await quantize(model, data);
    expect(evaluate(second)).toEqual(evaluate(quantized));
    second.quantizer('fc/MatMul/fq_weights_1').parameters[0].assign_(tensor([[1], [1], [1], [1]]));
    expect(evaluate(second)).not.toEqual(evaluate(quantized));
  });
});

describe('shared weights', () => {
  it('have one quantizer, whose gradient is the sum over both uses', async () => {
    const shared = await quantize(new SharedConvolution(), data);
    const weights = shared.quantizers.filter(({ spec }) => spec.kind === 'weights');
    expect(weights.map(({ name }) => name)).toEqual(['conv/Convolution/fq_weights_1']);
    const nodes = ['conv/Convolution', 'conv/Convolution_1'].map((name) => shared.graph.node(name).inputs[1].node.name);
    expect(new Set(nodes)).toEqual(new Set([weights[0].name]));
    shared.train();
    (shared.forward(data[0]) as Tensor).sum().backward();
    expect(weights[0].parameters[0].grad).not.toBeNull();
    expect([...shared.namedParameters()].map(([name]) => name)).toContain('conv.weight');
  });
});

it('quantizers tell what they are', () => {
  const weights = quantized.quantizer('conv/Convolution/fq_weights_1');
  expect(weights.spec).toEqual({
    ...{ kind: 'weights', mode: 'symmetric', bits: 8, signed: true, perChannel: true, narrowRange: true },
  });
  expect(weights.target).toEqual({ point: 'weights', node: 'conv/Convolution', port: 1 });
  expect(weights.codes).toEqual({ levelLow: -127, levelHigh: 127 });
  expect(weights.parameters[0].shape).toEqual([3, 1, 1, 1]);
  const activations = quantized.quantizer('relu/ReLU/fq_output_0');
  expect(activations.codes).toEqual({ levelLow: 0, levelHigh: 255 });
  const { low, range } = activations.range();
  expect(valuesOf(low)).toEqual([0]);
  expect(valuesOf(range)).toEqual(valuesOf(activations.parameters[0]));
});

it('integer codes are those of the forward pass', () => {
  const quantizer = quantized.quantizer('conv/Convolution/fq_weights_1');
  const weight = [...quantized.namedParameters()].find(([name]) => name === 'conv.weight')?.[1] as Tensor;
  const integers = valuesOf(quantizer.quantize(weight));
  const scales = valuesOf(quantizer.parameters[0]);
  integers.forEach((code, index) => {
    const step = scales[Math.floor(index / 18)] / 127;
    expect(Number.isInteger(code)).toBe(true);
    expect(Math.abs(code)).toBeLessThanOrEqual(127);
    expect(Math.abs(code * step - weight.dataSync()[index])).toBeLessThanOrEqual(step * 0.5001);
  });
});
