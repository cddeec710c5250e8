import { beforeEach, describe, expect, it } from 'vitest';
import { ShapeError, ValidationError } from '../../../src/errors.js';
import * as nn from '../../../src/nn/index.js';
import { batchNorm } from '../../../src/ops/neural/batchNorm.js';
import { conv2d, convTranspose2d } from '../../../src/ops/neural/conv2d.js';
import { linear } from '../../../src/ops/neural/linear.js';
import { layerNorm } from '../../../src/ops/neural/mvn.js';
import { tensor } from '../../../src/tensor/create.js';
import { manualSeed } from '../../../src/tensor/random.js';
import { data, errorOf, expectSame } from '../models.js';

/** Checks that the values fill [-bound, bound] and are not clustered. */
function expectWithin(values: ArrayLike<number>, bound: number): void {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length;
  expect(Math.max(...list.map(Math.abs))).toBeLessThanOrEqual(bound * (1 + 1e-6));
  expect(Math.max(...list.map(Math.abs))).toBeGreaterThan(0.9 * bound);
  expect(variance / (bound ** 2 / 3)).toBeGreaterThan(0.8);
  expect(variance / (bound ** 2 / 3)).toBeLessThan(1.2);
}

beforeEach(() => {
  manualSeed(0);
});

describe('Conv2d', () => {
  it.each([
    [{}],
    [{ stride: 2, padding: 1 }],
    [{ padding: 'same', dilation: [2, 1] }],
    [{ padding: [1, 2], bias: false }],
    [{ groups: 2, padding: [0, 1, 2, 3] }],
  ] as [nn.Conv2dOptions][])('is conv2d with its parameters: %j', (options) => {
    const layer = new nn.Conv2d(4, 6, [3, 2], options);
    const { bias: _, ...rest } = options;
    const x = data([2, 4, 7, 8]);
    expectSame(layer.forward(x), conv2d(x, layer.weight, layer.bias, rest));
    expect(layer.bias === null).toBe(options.bias === false);
    expect(layer.weight.shape).toEqual([6, 4 / (options.groups ?? 1), 3, 2]);
  });

  it('starts uniform within 1 / sqrt(fan-in)', () => {
    const layer = new nn.Conv2d(32, 200, 3, { groups: 2 });
    const bound = 1 / Math.sqrt(16 * 9);
    expectWithin(layer.weight.dataSync(), bound);
    expectWithin(layer.bias?.dataSync() ?? [], bound);
  });

  it('trains', () => {
    const layer = new nn.Conv2d(1, 2, 3);
    layer
      .forward(data([1, 1, 5, 5]))
      .sum()
      .backward();
    expect(layer.weight.grad?.shape).toEqual([2, 1, 3, 3]);
    expect(Array.from(layer.bias?.grad?.dataSync() ?? [])).toEqual([9, 9]);
  });

  it.each([
    [() => new nn.Conv2d(0, 1, 3), /Conv2d: inChannels is 0/],
    [() => new nn.Conv2d(1, 1.5, 3), /outChannels is 1.5/],
    [() => new nn.Conv2d(1, 1, 0), /kernelSize is 0/],
    [() => new nn.Conv2d(1, 1, [3, 3, 3]), /kernelSize is \[3,3,3\]/],
    [() => new nn.Conv2d(1, 1, 3, { stride: 0 }), /stride is 0/],
    [() => new nn.Conv2d(1, 1, 3, { padding: -1 }), /padding is -1/],
    [() => new nn.Conv2d(1, 1, 3, { padding: 'full' as 'same' }), /padding 'full' is not known/],
    [() => new nn.Conv2d(4, 6, 3, { groups: 4 }), /4 groups must divide inChannels \(4\) and outChannels \(6\)/],
    [() => new nn.Conv2d(1, 1, 3, { strides: 2 } as object), /Did you mean 'stride'\?/],
    [() => new nn.Conv2d(1, 1, 3, 2 as unknown as nn.Conv2dOptions), /options are given as an object/],
  ])('rejects bad arguments (%#)', (make, message) => {
    const error = errorOf(make);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toMatch(message);
  });
});

describe('ConvTranspose2d', () => {
  it.each([[{}], [{ stride: 2, padding: 1, outputPadding: 1 }], [{ groups: 2, bias: false, dilation: 2 }]] as [
    nn.ConvTranspose2dOptions,
  ][])('is convTranspose2d with its parameters: %j', (options) => {
    const layer = new nn.ConvTranspose2d(4, 6, 3, options);
    const { bias: _, ...rest } = options;
    const x = data([2, 4, 5, 6]);
    expectSame(layer.forward(x), convTranspose2d(x, layer.weight, layer.bias, rest));
    expect(layer.weight.shape).toEqual([4, 6 / (options.groups ?? 1), 3, 3]);
  });

  it('starts uniform within 1 / sqrt(fan-in), where fan-in counts output channels, as in PyTorch', () => {
    expectWithin(new nn.ConvTranspose2d(16, 64, 3).weight.dataSync(), 1 / Math.sqrt(64 * 9));
  });

  it('rejects bad arguments', () => {
    expect(() => new nn.ConvTranspose2d(1, 1, 3, { stride: 2, outputPadding: 2 })).toThrow(
      /must be less than the stride/,
    );
    expect(() => new nn.ConvTranspose2d(1, 1, 3, { output_padding: 2 } as object)).toThrow(/'outputPadding'/);
    expect(() => new nn.ConvTranspose2d(3, 2, 3, { groups: 2 })).toThrow(/2 groups must divide/);
  });
});

describe('Linear', () => {
  it('is linear with its parameters', () => {
    const layer = new nn.Linear(3, 4);
    const x = data([2, 5, 3]);
    expectSame(layer.forward(x), linear(x, layer.weight, layer.bias));
    expect(new nn.Linear(3, 4, { bias: false }).bias).toBeNull();
  });

  it('starts uniform within 1 / sqrt(inFeatures), anew on resetParameters', () => {
    const layer = new nn.Linear(100, 200);
    expectWithin(layer.weight.dataSync(), 0.1);
    expectWithin(layer.bias?.dataSync() ?? [], 0.1);
    const before = layer.weight.dataSync();
    layer.resetParameters();
    expect(layer.weight.dataSync()).not.toEqual(before);
  });

  it('rejects bad arguments', () => {
    expect(() => new nn.Linear(3, Number.NaN)).toThrow(/outFeatures is NaN/);
    expect(() => new nn.Linear(3, 1, { useBias: false } as object)).toThrow(/Did you mean 'bias'/);
  });
});

describe('BatchNorm', () => {
  it('normalises by the batch and updates the running statistics while training', () => {
    const layer = new nn.BatchNorm2d(3, { momentum: 0.25 });
    const x = data([4, 3, 2, 5]).mul(2).add(1);
    const y = layer.forward(x);
    const axes = [0, 2, 3];
    const mean = x.mean(axes);
    const variance = x.sub(x.mean(axes, true)).square().sum(axes).div(39);
    expectSame(y.mean(axes), mean.mul(0), 1e-5);
    expectSame(y.square().mean(axes), mean.mul(0).add(1), 1e-4);
    expectSame(layer.runningMean, mean.mul(0.25));
    expectSame(layer.runningVar, variance.mul(0.25).add(0.75), 1e-5);
    expect(layer.numBatchesTracked?.itemSync()).toBe(1);
  });

  it('normalises by the running statistics after eval()', () => {
    const layer = new nn.BatchNorm1d(2, { eps: 0.5 });
    layer.loadStateDict({
      weight: tensor([2, 3]),
      bias: tensor([1, -1]),
      runningMean: tensor([5, 6]),
      runningVar: tensor([4, 9]),
      numBatchesTracked: tensor(3),
    });
    layer.eval();
    const x = data([3, 2, 4]);
    const { runningMean, runningVar, weight, bias } = layer;
    if (!runningMean || !runningVar || !weight || !bias) throw new Error('It has them by default.');
    expectSame(layer.forward(x), batchNorm(x, runningMean, runningVar, weight, bias, { epsilon: 0.5 }));
    const first = x.dataSync()[0];
    expect(layer.forward(x).dataSync()[0]).toBeCloseTo(((first - 5) / Math.sqrt(4.5)) * 2 + 1, 5);
    expect(layer.numBatchesTracked?.itemSync()).toBe(3);
  });

  it('has no parameters without affine', () => {
    const layer = new nn.BatchNorm2d(3, { affine: false });
    expect([...layer.stateDict().keys()]).toEqual(['runningMean', 'runningVar', 'numBatchesTracked']);
    const x = data([2, 3, 4, 4]);
    expectSame(layer.forward(x), new nn.BatchNorm2d(3).forward(x));
    expectSame(layer.eval().forward(x), layer.forward(x));
  });

  it('normalises every batch by itself without running statistics', () => {
    const layer = new nn.BatchNorm2d(3, { trackRunningStats: false });
    expect([...layer.stateDict().keys()]).toEqual(['weight', 'bias']);
    const x = data([2, 3, 4, 4]).mul(3).add(2);
    const reference = new nn.BatchNorm2d(3).forward(x);
    expectSame(layer.forward(x), reference, 1e-5);
    expectSame(layer.eval().forward(x), reference, 1e-5);
    expect(errorOf(() => layer.forward(data([1, 2, 4, 4]))).message).toContain('has 2 channels, but the layer has 3');
  });

  it('forgets on resetParameters', () => {
    const layer = new nn.BatchNorm1d(2);
    layer.forward(data([5, 2]));
    layer.resetParameters();
    expect(Array.from(layer.runningMean?.dataSync() ?? [])).toEqual([0, 0]);
    expect(Array.from(layer.runningVar?.dataSync() ?? [])).toEqual([1, 1]);
    expect(layer.numBatchesTracked?.itemSync()).toBe(0);
  });

  it('does not count a batch that it refused', () => {
    const layer = new nn.BatchNorm1d(2);
    expect(() => layer.forward(data([1, 2]))).toThrow(ShapeError);
    expect(layer.numBatchesTracked?.itemSync()).toBe(0);
  });

  it('rejects bad arguments and data', () => {
    expect(() => new nn.BatchNorm2d(-1)).toThrow(/BatchNorm2d: numFeatures is -1/);
    expect(() => new nn.BatchNorm1d(2, { momentum: 2 })).toThrow(/BatchNorm1d: momentum is 2/);
    expect(() => new nn.BatchNorm2d(2, { epsilon: 2 } as object)).toThrow(/Did you mean 'eps'/);
    expect(errorOf(() => new nn.BatchNorm2d(2).forward(data([3, 2])))).toBeInstanceOf(ShapeError);
    expect(errorOf(() => new nn.BatchNorm1d(2).forward(data([3, 2, 2, 2]))).message).toContain('[3, 2, 2, 2]');
    expect(() => new nn.BatchNorm2d(2).forward(data([1, 3, 2, 2]))).toThrow(/3 channels/);
  });
});

describe('LayerNorm', () => {
  it('is layerNorm with its parameters', () => {
    const layer = new nn.LayerNorm([2, 4], { eps: 0.1 });
    nn.init.normal_(layer.weight as nn.Parameter);
    nn.init.normal_(layer.bias as nn.Parameter);
    const x = data([3, 2, 4]);
    expectSame(layer.forward(x), layerNorm(x, [2, 4], layer.weight, layer.bias, 0.1));
  });

  it('starts as plain normalisation, and may have no scale or no offset', () => {
    const x = data([3, 4]);
    expectSame(new nn.LayerNorm(4).forward(x), layerNorm(x, 4));
    expect([...new nn.LayerNorm(4).stateDict().keys()]).toEqual(['weight', 'bias']);
    expect([...new nn.LayerNorm(4, { bias: false }).stateDict().keys()]).toEqual(['weight']);
    expect([...new nn.LayerNorm(4, { elementwiseAffine: false }).stateDict().keys()]).toEqual([]);
  });

  it('rejects bad arguments', () => {
    expect(() => new nn.LayerNorm([])).toThrow(/number of axes in normalizedShape is 0/);
    expect(() => new nn.LayerNorm([3, 0])).toThrow(/normalizedShape is 0/);
    expect(() => new nn.LayerNorm(3, { affine: false } as object)).toThrow(ValidationError);
  });
});

describe('Embedding', () => {
  it('gives the rows that indices name, and trains them', () => {
    const layer = new nn.Embedding(5, 3);
    const indices = tensor(
      [
        [4, 0],
        [1, 4],
      ],
      { dtype: 'int32' },
    );
    const y = layer.forward(indices);
    expect(y.shape).toEqual([2, 2, 3]);
    expect(y.dataSync().slice(0, 3)).toEqual(layer.weight.dataSync().slice(12, 15));
    y.sum().backward();
    expect(Array.from(layer.weight.grad?.dataSync() ?? [])).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 2, 2, 2]);
  });

  it('starts standard normal', () => {
    const values = Array.from(new nn.Embedding(200, 50).weight.dataSync());
    expect(values.reduce((sum, value) => sum + value ** 2, 0) / values.length).toBeCloseTo(1, 1);
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0, 1);
  });

  it('rejects bad arguments', () => {
    expect(() => new nn.Embedding(0, 3)).toThrow(/numEmbeddings is 0/);
  });
});
