/** The guard of ranges: who is warned, when, once, and that it does not wait for a GPU. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Backend, Storage } from '../../src/kernels/contract.js';
import type { DType, TypedArray } from '../../src/kernels/dtype.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { crossEntropy } from '../../src/ops/loss/crossEntropy.js';
import { Adam } from '../../src/optim/adam.js';
import type { Optimizer } from '../../src/optim/optimizer.js';
import { SGD } from '../../src/optim/sgd.js';
import { quantize } from '../../src/quant/quantize.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { RangeGuard, type RangeWarning, rangeWarningText } from '../../src/quant/rangeGuard.js';
import { tensor } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, type SmallNet, warmedUp } from './models.js';

const data = images(4);
const labels = tensor([0, 3], { dtype: 'int32' });

let model: QuantizedModel<SmallNet>;
let warnings: RangeWarning[];

beforeEach(async () => {
  manualSeed(1);
  model = (await quantize(warmedUp(), data)).train();
  warnings = [];
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The loop of someone who has never heard of the guard. */
function train(optimizer: Optimizer, steps = 3): void {
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad();
    crossEntropy(model.forward(data[step % data.length]), labels).backward();
    optimizer.step();
  }
}

describe('the guard', () => {
  it('warns on the console of a learning rate for float training, without a change to the loop', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    train(new Adam(model.parameters(), { lr: 10 }), 1);
    expect(warn).toHaveBeenCalledTimes(1);
    const [text] = warn.mock.calls[0] as [string];
    expect(text).toContain('conv/Convolution/fq_weights_1');
    expect(text).toContain('learning rate 10');
    expect(text).toContain('model.rangeParameters()');
    expect(text).toContain("model.rangeGuard = 'off'");
  });

  it('says nothing at a learning rate for fine-tuning', () => {
    model.rangeGuard = (found) => warnings.push(...found);
    train(new Adam(model.parameters(), { lr: 1e-5 }));
    expect(warnings).toEqual([]);
  });

  it('tells the step, the range and the channel', () => {
    model.rangeGuard = (found) => warnings.push(...found);
    const weights = model.quantizer('conv/Convolution/fq_weights_1').parameters[0];
    const before = weights.dataSync();
    const channel = before.indexOf(Math.min(...before));
    // Adam's first step is the learning rate itself, for every element.
    train(new Adam([weights], { lr: 20 }), 1);
    expect(warnings).toHaveLength(1);
    const [{ quantizer, step, range, learningRate, ...rest }] = warnings;
    expect([quantizer, rest.channel, learningRate]).toEqual(['conv/Convolution/fq_weights_1', channel, 20]);
    expect(range).toBeCloseTo(before[channel], 5);
    expect(step).toBeCloseTo(Math.abs(weights.dataSync()[channel] - before[channel]), 5);
  });

  it('names each quantizer once', () => {
    model.rangeGuard = (found) => warnings.push(...found);
    train(new SGD(model.parameters(), { lr: 1e4 }), 4);
    const names = warnings.map(({ quantizer }) => quantizer);
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names).size).toBe(names.length);
  });

  it('reports a range that left the numbers', () => {
    model.rangeGuard = (found) => warnings.push(...found);
    const scale = model.quantizer('fc/MatMul/fq_weights_1').parameters[0];
    crossEntropy(model.forward(data[0]), labels).backward();
    scale.grad = tensor([[Number.NaN], [0], [0], [0]]);
    new SGD([scale], { lr: 1e-3 }).step();
    expect(warnings.map(({ quantizer, channel }) => [quantizer, channel])).toEqual([['fc/MatMul/fq_weights_1', 0]]);
    expect(rangeWarningText(warnings)).toContain('more than any number');
  });

  it('names the worst five of many', () => {
    const many = Array.from({ length: 8 }, (_, index) => ({
      quantizer: `layer${index}`,
      step: index === 2 ? Number.NaN : index + 2,
      range: 1,
      channel: null,
      learningRate: 1,
    }));
    const text = rangeWarningText(many);
    expect([...text.matchAll(/layer(\d)/g)].map(([, index]) => Number(index))).toEqual([2, 7, 6, 5, 4]);
    expect(text).toContain('and 3 more');
  });

  it('can be switched off', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    model.rangeGuard = 'off';
    train(new Adam(model.parameters(), { lr: 10 }), 1);
    expect(warn).not.toHaveBeenCalled();
    expect(() => {
      model.rangeGuard = 'quiet' as 'off';
    }).toThrow(/'warn', 'off' or a function/);
  });

  it('does not change the training', async () => {
    const values = async (mode: 'off' | 'warn'): Promise<number[][]> => {
      manualSeed(1);
      model = (await quantize(warmedUp(), data)).train();
      model.rangeGuard = mode;
      train(new Adam(model.parameters(), { lr: 1e-3 }));
      return model.parameters().map((parameter) => [...parameter.dataSync()]);
    };
    expect(await values('warn')).toEqual(await values('off'));
  });

  it('leaves the ranges alone that have a group of their own', () => {
    model.rangeGuard = (found) => warnings.push(...found);
    const groups = [{ params: model.weightParameters() }, { params: model.rangeParameters(), lr: 1e-5 }];
    train(new Adam(groups, { lr: 0.1 }), 1);
    expect(warnings).toEqual([]);
    expect(model.weightParameters().length + model.rangeParameters().length).toBe(model.parameters().length);
  });

  it('compares both parameters of an asymmetric quantizer with its width', async () => {
    model = (await quantize(warmedUp(), data, { preset: 'mixed' })).train();
    model.rangeGuard = (found) => warnings.push(...found);
    const input = model.quantizer('input/fq_output_0');
    const [, width] = input.parameters.map((parameter) => parameter.dataSync()[0]);
    train(new Adam([input.parameters[0]], { lr: 1.5 * width }), 1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0].channel).toBeNull();
    expect(warnings[0].range).toBeCloseTo(width, 5);
    expect(warnings[0].step).toBeCloseTo(1.5 * width, 3);
  });
});

/** A backend whose values come later, like a GPU's, and which counts who asks for them. */
class LaterBackend implements Backend {
  readonly name = 'later';
  readonly synchronous = false;
  readonly #host = new ReferenceBackend();
  reads = 0;
  supportsDType = (dtype: DType): boolean => this.#host.supportsDType(dtype);
  upload = (values: TypedArray, dtype: DType): Storage => this.#host.upload(values, dtype);
  run: Backend['run'] = (...call) => this.#host.run(...call);
  async read(storage: Storage): Promise<TypedArray> {
    this.reads++;
    await Promise.resolve();
    return this.#host.read(storage);
  }
  readSync(): never {
    throw new Error('read without waiting');
  }
}

describe('on a backend that computes later', () => {
  const step = (guard: RangeGuard, parameters: readonly Tensor[], change: () => void): void => {
    const after = guard.beforeUpdate(parameters.map((parameter) => ({ parameter, learningRate: 1 })));
    change();
    after?.();
  };

  it('never waits, looks ever more rarely, and sees the values of its own step', async () => {
    const backend = new LaterBackend();
    const scale = tensor([0.5, 0.25], { backend });
    const fake = { name: 'conv/fq_weights_1', parameters: [scale] };
    const guard = new RangeGuard([fake as never]);
    guard.mode = (found) => warnings.push(...found);
    for (let count = 1; count <= 8; count++) {
      const value = count === 8 ? [0.5, 5] : [0.5, 0.25 + count * 1e-3];
      step(guard, [scale], () => scale.assign_(tensor(value, { backend })));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    // Steps 1, 2, 4 and 8, before and after.
    expect(backend.reads).toBe(8);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ quantizer: 'conv/fq_weights_1', channel: 1, learningRate: 1 });
    expect(warnings[0].step).toBeCloseTo(5 - 0.257, 5);
  });
});
