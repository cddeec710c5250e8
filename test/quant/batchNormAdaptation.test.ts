/** Batch norm adaptation: running statistics follow the data by the momentum, and nothing else changes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import * as nn from '../../src/nn/index.js';
import { batchNormAdaptation, quantize } from '../../src/quant/index.js';
import { referenceBackend, withBackend } from '../../src/tensor/backend.js';
import { randn } from '../../src/tensor/create.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { images, SmallNet, stateOf, valuesOf, warmedUp } from './models.js';

const data = images(3);
beforeEach(() => {
  manualSeed(1);
});

/** What changed in a model's state. */
async function changed(model: nn.Module, body: () => Promise<unknown>): Promise<string[]> {
  const before = stateOf(model);
  await body();
  const after = stateOf(model);
  return [...after.keys()].filter((name) => String(after.get(name)) !== String(before.get(name)));
}

const STATISTICS = ['norm.runningMean', 'norm.runningVar', 'block.1.runningMean', 'block.1.runningVar'];
const isStatistic = (name: string): boolean => STATISTICS.includes(name) || name.includes('numBatchesTracked');

describe('of a float model', () => {
  it('is what forward passes in training mode do to the statistics, apart from dropout', async () => {
    const [adapted, trained] = [new SmallNet(), new SmallNet()];
    trained.loadStateDict(adapted.stateDict());
    await batchNormAdaptation(adapted.eval(), data);
    noGrad(() => {
      for (const x of data) trained.forward(x);
    });
    expect(stateOf(adapted)).toEqual(stateOf(trained));
  });

  it('follows the momentum to the batch statistics', async () => {
    const norm = new nn.BatchNorm2d(1, { momentum: 0.25 }).eval();
    const x = randn([4, 1, 3, 3], { generator: new Generator(3) });
    const values = [...x.dataSync()];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    await batchNormAdaptation(norm, [x]);
    expect(norm.runningMean?.dataSync()[0]).toBeCloseTo(0.25 * mean, 6);
    expect(norm.runningVar?.dataSync()[0]).toBeCloseTo(0.75 + 0.25 * variance, 6);
  });

  it('keeps dropout off and the modes of all modules', async () => {
    const model = new SmallNet(0.9);
    model.norm.training = false;
    const modes = () => [...model.namedModules()].map(([name, { training }]) => [name, training]);
    const before = modes();
    let seen = true;
    const { forward } = nn.Dropout.prototype;
    model.drop.forward = function (x) {
      seen = this.training;
      return forward.call(this, x);
    };
    await batchNormAdaptation(model, data);
    expect(seen).toBe(false);
    expect(modes()).toEqual(before);
  });
});

describe.each(['reference', 'wasm'])('of a quantized model on %s', (backend) => {
  it('moves the running statistics and nothing else', async () => {
    const used = backend === 'wasm' ? WasmBackend.create() : referenceBackend();
    const [float, inputs] = withBackend(used, () => [new SmallNet().eval(), images(3)] as const);
    const model = await quantize(float, inputs);
    for (const training of [false, true]) {
      model.train(training);
      const names = await changed(model, () => batchNormAdaptation(model, inputs));
      expect(names.every(isStatistic)).toBe(true);
      expect(STATISTICS.every((name) => names.includes(name))).toBe(true);
      expect(model.training).toBe(training);
      expect(model.trainingOperations).toBeNull();
    }
  });
});

describe('of a quantized model', () => {
  it('is the same as in a training-mode pass, with the quantizers on', async () => {
    const [first, second] = [await quantize(warmedUp(), data), await quantize(warmedUp(), data)];
    second.loadStateDict(first.stateDict());
    await batchNormAdaptation(first, data);
    second.train();
    noGrad(() => {
      for (const x of data) second.forward(x);
    });
    expect(stateOf(first)).toEqual(stateOf(second));
  });

  it('reaches a quantized part of a larger model', async () => {
    const part = await quantize(warmedUp(), data);
    class Outer extends nn.Module {
      readonly part = part;
      override forward(x: Tensor): Tensor {
        return this.part.forward(x) as Tensor;
      }
    }
    const outer = new Outer();
    expect((await changed(outer, () => batchNormAdaptation(outer, data))).length).toBeGreaterThan(0);
    expect([outer.training, part.training]).toEqual([true, false]);
  });
});

describe('its data and options', () => {
  it('are used up to numIterations', async () => {
    const [one, all] = [new SmallNet(), new SmallNet()];
    all.loadStateDict(one.stateDict());
    const done: number[] = [];
    await batchNormAdaptation(one, data, { numIterations: 1, onProgress: (count) => done.push(count) });
    await batchNormAdaptation(all, data.slice(0, 1));
    expect(done).toEqual([1]);
    expect(stateOf(one)).toEqual(stateOf(all));
  });

  it('are checked, and the modes restored', async () => {
    const model = new SmallNet();
    await expect(batchNormAdaptation(model, [])).rejects.toThrow(/data is empty/);
    await expect(batchNormAdaptation(model, data, { numIterations: 0 })).rejects.toThrow(/positive whole number/);
    await expect(batchNormAdaptation(model, data, { iterations: 1 } as object)).rejects.toThrow(/numIterations/);
    await expect(batchNormAdaptation(model, [5])).rejects.toThrow(/item 0/);
    await expect(batchNormAdaptation(model, [randn([1, 3, 2, 2])])).rejects.toThrow();
    expect(model.modules().every(({ training }) => training)).toBe(true);
  });

  it('are not read for a model without batch normalisation', async () => {
    const model = new nn.Linear(2, 2);
    const unread: Iterable<Tensor> = {
      [Symbol.iterator]() {
        throw new Error('read');
      },
    };
    expect(await batchNormAdaptation(model, unread)).toBe(model);
    expect(valuesOf(model.bias)).toHaveLength(2);
  });
});
