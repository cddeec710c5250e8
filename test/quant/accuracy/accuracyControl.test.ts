/** Accuracy control on a network that was trained on real images, and its rules on made-up metrics. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type DigitsDataset, loadDigits } from '../../../examples/digits/dataset.js';
import { noGrad } from '../../../src/autograd/gradMode.js';
import { CalibrationDataset, DataLoader, Subset } from '../../../src/data/index.js';
import { serializeModel } from '../../../src/ir/writer.js';
import { WasmBackend } from '../../../src/kernels/wasm/backend.js';
import * as nn from '../../../src/nn/index.js';
import { crossEntropy } from '../../../src/ops/loss/crossEntropy.js';
import { Adam } from '../../../src/optim/adam.js';
import {
  type AccuracyControlOptions,
  type AccuracyProgress,
  quantizeWithAccuracyControl,
} from '../../../src/quant/accuracy/accuracyControl.js';
import { getConfig, loadFromConfig } from '../../../src/quant/config.js';
import { defaultBackend, setDefaultBackend } from '../../../src/tensor/backend.js';
import { manualSeed } from '../../../src/tensor/random.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { images, SmallNet, stateOf, warmedUp } from '../models.js';

type Batch = [Tensor, Tensor];

class Net extends nn.Module {
  readonly body = new nn.Sequential(
    ...[new nn.Conv2d(1, 8, 3, { padding: 1 }), new nn.BatchNorm2d(8), new nn.ReLU(), new nn.MaxPool2d(2)],
    ...[new nn.Conv2d(8, 16, 3, { padding: 1 }), new nn.BatchNorm2d(16), new nn.ReLU(), new nn.MaxPool2d(2)],
    ...[new nn.Flatten(), new nn.Linear(64, 10)],
  );
  override forward(x: Tensor): Tensor {
    return this.body.forward(x) as Tensor;
  }
}

/** Top-1 accuracy, of all items and of each. */
async function accuracy(model: nn.Module, items: AsyncIterable<Batch>): Promise<{ metric: number; values: number[] }> {
  const values: number[] = [];
  let [correct, count] = [0, 0];
  for await (const [x, labels] of items) {
    const scores = noGrad(() => model.forward(x) as Tensor).dataSync();
    const right = Array.from(labels.dataSync()).filter((label, row) => {
      const own = scores.subarray(row * 10, row * 10 + 10);
      return own.indexOf(Math.max(...own)) === label;
    }).length;
    values.push(right / labels.size);
    correct += right;
    count += labels.size;
  }
  return { metric: correct / count, values };
}

describe('on a network for digits', () => {
  let net: Net;
  let validation: Batch[];
  let calibration: Tensor[];
  beforeAll(async () => {
    const before = defaultBackend();
    setDefaultBackend(WasmBackend.create());
    try {
      manualSeed(5);
      const { train, test } = await loadDigits();
      net = new Net();
      const optimizer = new Adam(net.parameters(), { lr: 5e-3 });
      for (let epoch = 0; epoch < 3; epoch++) {
        for await (const [x, labels] of new DataLoader(train, { batchSize: 64, shuffle: true, seed: epoch })) {
          optimizer.zeroGrad();
          crossEntropy(net.forward(x), labels).backward();
          optimizer.step();
        }
      }
      validation = await batches(test, 60);
      calibration = (
        await batches(
          new Subset(
            train,
            Array.from({ length: 96 }, (_, index) => index),
          ) as never,
          32,
        )
      ).map(([x]) => x);
    } finally {
      setDefaultBackend(before);
    }
  }, 60_000);

  async function batches(dataset: DigitsDataset, batchSize: number): Promise<Batch[]> {
    const all: Batch[] = [];
    for await (const [x, labels] of new DataLoader(dataset, { batchSize })) all.push([x, labels]);
    return all;
  }

  const low: AccuracyControlOptions = { bits: { weights: 2, activations: 3 }, rankingSubsetSize: 3 };

  it('brings back what costs most until the drop is acceptable', async () => {
    const before = stateOf(net);
    const progress: AccuracyProgress[] = [];
    const result = await quantizeWithAccuracyControl(net, calibration, validation, accuracy, {
      ...low,
      maxDrop: 0.02,
      onAccuracyProgress: (each) => progress.push(each),
    });
    expect(result.floatMetric).toBeGreaterThan(0.9);
    expect(result.quantizedMetric).toBeLessThan(result.floatMetric - 0.02);
    expect(result.reverted.length).toBeGreaterThan(0);
    expect(result.reverted.length).toBeLessThanOrEqual(result.groups);
    expect(result.reachedRequiredDrop).toBe(true);
    expect(result.drop).toBeLessThanOrEqual(0.02);
    expect(result.drop).toBeCloseTo(result.floatMetric - result.metric, 12);
    expect((await accuracy(result.model.eval(), all(validation))).metric).toBe(result.metric);
    expect(progress.filter(({ stage }) => stage === 'rank').length).toBeGreaterThanOrEqual(result.groups);
    expect(progress.at(-1)).toEqual({
      stage: 'revert',
      done: result.reverted.length,
      total: result.groups,
      metric: result.metric,
    });
    // The float network is as it was.
    expect(stateOf(net)).toEqual(before);
    expect(net.training).toBe(true);
  }, 60_000);

  it('removes the quantizers for good: configuration, file and training know nothing of them', async () => {
    const { model, reverted } = await quantizeWithAccuracyControl(net, calibration, validation, accuracy, {
      ...low,
      maxDrop: 0.02,
    });
    const gone = reverted.flatMap(({ quantizers }) => quantizers);
    const names = model.quantizers.map(({ name }) => name);
    expect(gone.every((name) => !names.includes(name))).toBe(true);
    expect([...model.namedParameters()].every(([name]) => gone.every((each) => !name.includes(each)))).toBe(true);
    expect(loadFromConfig(new Net(), getConfig(model)).quantizers.map(({ name }) => name)).toEqual(names);
    expect((await serializeModel(model)).xml.match(/type="FakeQuantize"/g)?.length ?? 0).toBe(
      model.quantizers.filter(({ spec }) => spec.kind === 'activations').length,
    );
  }, 60_000);

  it('ranks by outputs where the function takes all items or none', async () => {
    const whole = async (model: nn.Module, items: AsyncIterable<Batch>): Promise<number> => {
      const { metric, values } = await accuracy(model, items);
      if (values.length < validation.length) throw new Error('not enough items');
      return metric;
    };
    const dataset = new CalibrationDataset(validation, ([x]: Batch) => x);
    const metrics: (number | null)[] = [];
    const result = await quantizeWithAccuracyControl(net, calibration, dataset, whole, {
      ...low,
      maxDrop: 0.02,
      onAccuracyProgress: ({ stage, metric }) => stage === 'rank' && metrics.push(metric),
    });
    expect(metrics.every((metric) => metric === null)).toBe(true);
    expect(result.reachedRequiredDrop).toBe(true);
    await expect(quantizeWithAccuracyControl(net, calibration, validation, whole, low)).rejects.toThrow(
      /does not work on a single item/,
    );
  }, 60_000);

  it('can keep weights quantized', async () => {
    const { model, reverted, metric, quantizedMetric } = await quantizeWithAccuracyControl(
      ...([net, calibration, validation, accuracy] as const),
      { ...low, maxDrop: 0, restoreMode: 'onlyActivations' },
    );
    expect(reverted.flatMap(({ quantizers }) => quantizers).some((name) => name.includes('fq_weights'))).toBe(false);
    expect(model.quantizers.filter(({ spec }) => spec.kind === 'weights')).toHaveLength(3);
    expect(metric).toBeGreaterThanOrEqual(quantizedMetric);
  }, 60_000);

  it('brings nothing back that is good enough, and stops when told to', async () => {
    const fine = await quantizeWithAccuracyControl(net, calibration, validation, accuracy, { maxDrop: 0.05 });
    expect([fine.reverted, fine.iterations, fine.reachedRequiredDrop]).toEqual([[], 0, true]);
    const one = await quantizeWithAccuracyControl(net, calibration, validation, accuracy, {
      ...low,
      maxDrop: -1,
      maxNumIterations: 1,
    });
    expect(one.iterations).toBe(1);
    expect(one.reverted.length).toBeLessThanOrEqual(1);
    expect(one.reachedRequiredDrop).toBe(one.metric >= one.floatMetric);
  }, 60_000);
});

async function* all<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

describe('the rules', () => {
  const data = images(2);
  /** A metric that depends on which weights are quantized, so that the whole search can be foreseen. */
  const made =
    (costs: Readonly<Record<string, number>>, calls: string[][] = []) =>
    async (model: nn.Module, items: AsyncIterable<unknown>): Promise<number> => {
      for await (const _ of items);
      const on = [...model.namedParameters()].some(([name]) => name.startsWith('quantizers.'))
        ? (model as import('../../../src/quant/quantizedModel.js').QuantizedModel).quantizers
            .filter(({ enabled }) => enabled)
            .map(({ name }) => name)
        : [];
      calls.push(on);
      return 1 - on.reduce((sum, name) => sum + (costs[name] ?? 0), 0);
    };

  it('bring back the costliest first', async () => {
    const costs = { 'fc/MatMul/fq_weights_1': 0.1, 'conv/Convolution/fq_weights_1': 0.3 };
    const { reverted, metric, drop } = await quantizeWithAccuracyControl(warmedUp(), data, data, made(costs), {
      maxDrop: 0.15,
    });
    expect(reverted).toHaveLength(1);
    expect(reverted[0].quantizers).toContain('conv/Convolution/fq_weights_1');
    expect(reverted[0].operations).toContain('conv/Convolution');
    expect(metric).toBeCloseTo(0.9, 12);
    expect(drop).toBeCloseTo(0.1, 12);
    const relative = await quantizeWithAccuracyControl(warmedUp(), data, data, made(costs), {
      maxDrop: 0.05,
      dropType: 'relative',
    });
    expect(relative.reverted).toHaveLength(2);
    expect(relative.metric).toBe(1);
  });

  it('keep the best model where no drop is acceptable', async () => {
    // Without the convolution's quantizers things get worse, whatever else is in float.
    const costs = {
      'fc/MatMul/fq_weights_1': 0.2,
      'conv/Convolution/fq_weights_1': -0.5,
      'block/0/Convolution/fq_weights_1': 0.9,
    };
    const { reverted, metric, reachedRequiredDrop } = await quantizeWithAccuracyControl(
      ...([warmedUp(), data, data] as const),
      async (model, items) => (await made(costs)(model, items)) - ('quantizers' in model ? 1 : 0),
      { maxDrop: 0.01 },
    );
    expect(reachedRequiredDrop).toBe(false);
    expect(metric).toBeCloseTo(0.5, 12);
    const gone = reverted.flatMap(({ quantizers }) => quantizers);
    expect(gone).toContain('block/0/Convolution/fq_weights_1');
    expect(gone).toContain('fc/MatMul/fq_weights_1');
    expect(gone).not.toContain('conv/Convolution/fq_weights_1');
  });

  it('restore the biases of what comes back, and of nothing else', async () => {
    const float = warmedUp(new SmallNet());
    const original = stateOf(float);
    const costs = { 'fc/MatMul/fq_weights_1': 0.5 };
    const { model } = await quantizeWithAccuracyControl(float, data, data, made(costs), { bits: 3 });
    const state = stateOf(model);
    expect(state.get('fc.bias')).toEqual(original.get('fc.bias'));
    const everything = await quantizeWithAccuracyControl(float, data, data, made({}), { bits: 3 });
    expect(stateOf(everything.model).get('fc.bias')).not.toEqual(original.get('fc.bias'));
  });

  it('check their input', async () => {
    const net = warmedUp();
    const run = (options: object, fn: unknown = made({}), validation: unknown = data): Promise<unknown> =>
      quantizeWithAccuracyControl(net, data, validation as Tensor[], fn as never, options);
    await expect(run({ max_drop: 1 })).rejects.toThrow(/maxDrop/);
    await expect(run({ maxDrop: 'a' })).rejects.toThrow(/must be a number/);
    await expect(run({ dropType: 'ratio' })).rejects.toThrow(/'absolute' or 'relative'/);
    await expect(run({ rankingSubsetSize: 0 })).rejects.toThrow(/rankingSubsetSize/);
    await expect(run({ restoreMode: 'all' })).rejects.toThrow(/restoreMode/);
    await expect(run({}, 5)).rejects.toThrow(/must be a function/);
    await expect(run({}, () => Number.NaN)).rejects.toThrow(/returned NaN/);
    await expect(run({}, () => undefined)).rejects.toThrow(/returned undefined/);
    await expect(run({}, made({}), [])).rejects.toThrow(/validation data is empty/);
    await expect(run({ bits: 20 })).rejects.toThrow(/from 2 to/);
    expect(net.training).toBe(false);
  });
});
