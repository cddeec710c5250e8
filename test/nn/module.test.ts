import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import * as nn from '../../src/nn/index.js';
import { full, tensor, zeros } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { data, errorOf, expectSame, ResNet } from './models.js';

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `list(ResNet().state_dict())` of the same class written with torch.nn. */
const PYTORCH_NAMES = [
  'conv1.weight',
  'bn1.weight',
  'bn1.bias',
  'bn1.running_mean',
  'bn1.running_var',
  'bn1.num_batches_tracked',
  ...['layer1.0', 'layer2.0'].flatMap((block) =>
    ['1', '2'].flatMap((index) => [
      `${block}.conv${index}.weight`,
      ...['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map(
        (name) => `${block}.bn${index}.${name}`,
      ),
    ]),
  ),
  'layer2.0.downsample.0.weight',
  'layer2.0.downsample.1.weight',
  'layer2.0.downsample.1.bias',
  'layer2.0.downsample.1.running_mean',
  'layer2.0.downsample.1.running_var',
  'layer2.0.downsample.1.num_batches_tracked',
  'fc.weight',
  'fc.bias',
];

describe('Module', () => {
  it("names its state as PyTorch's, in the same order", () => {
    expect([...new ResNet().stateDict().keys()].map(snakeCase)).toEqual(PYTORCH_NAMES);
  });

  it('lists modules, parameters and buffers by path', () => {
    const model = new ResNet();
    const paths = [...model.namedModules()].map(([path]) => path);
    expect(paths.slice(0, 8)).toEqual(['', 'conv1', 'bn1', 'relu', 'maxpool', 'layer1', 'layer1.0', 'layer1.0.conv1']);
    expect(model.parameters()).toHaveLength(20);
    expect([...model.namedBuffers()].map(([name]) => name)).toContain('layer2.0.downsample.1.runningVar');
    expect(model.parameters().every((parameter) => parameter.requiresGrad && parameter.isLeaf)).toBe(true);
    expect(model.buffers().some((buffer) => buffer.requiresGrad)).toBe(false);
  });

  it('finds modules and parameters in arrays', () => {
    class Lists extends nn.Module {
      readonly layers = [new nn.Linear(1, 1, { bias: false }), [new nn.Linear(1, 1, { bias: false })]];
      readonly scales = [new nn.Parameter(zeros([2])), new nn.Parameter(zeros([3]))];
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect([...new Lists().stateDict().keys()]).toEqual([
      'scales.0',
      'scales.1',
      'layers.0.weight',
      'layers.1.0.weight',
    ]);
  });

  it('leaves buffers that are not persistent out of the state', () => {
    class Cache extends nn.Module {
      readonly kept = new nn.Buffer(zeros([1]));
      readonly scratch = new nn.Buffer(zeros([1]), false);
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    const cache = new Cache();
    expect([...cache.stateDict().keys()]).toEqual(['kept']);
    expect(cache.buffers()).toHaveLength(2);
    expect(() => cache.loadStateDict({ kept: zeros([1]) })).not.toThrow();
  });

  it('switches everything below between training and evaluation', () => {
    const model = new ResNet();
    expect(model.modules().every(({ training }) => training)).toBe(true);
    expect(model.eval()).toBe(model);
    expect(model.modules().some(({ training }) => training)).toBe(false);
    model.layer2.train();
    expect(model.training).toBe(false);
    expect(model.layer2.modules().every(({ training }) => training)).toBe(true);
  });

  it('switches gradients off and on, and clears them', () => {
    const model = new nn.Linear(2, 1);
    model
      .forward(data([3, 2]))
      .sum()
      .backward();
    expect(model.weight.grad?.shape).toEqual([1, 2]);
    model.zeroGrad();
    expect(model.weight.grad).toBeNull();
    model.requiresGrad_(false);
    expect(model.forward(data([3, 2])).requiresGrad).toBe(false);
  });

  it('counts a shared module once as a module, and under both names in the state', () => {
    class Shared extends nn.Module {
      readonly first = new nn.Linear(2, 2);
      readonly second = this.first;
      override forward(x: Tensor): Tensor {
        return this.second.forward(this.first.forward(x));
      }
    }
    const model = new Shared();
    expect(model.modules()).toHaveLength(2);
    expect([...model.namedParameters()].map(([name]) => name)).toEqual(['first.weight', 'first.bias']);
    expect([...model.stateDict().keys()]).toEqual(['first.weight', 'first.bias', 'second.weight', 'second.bias']);
    const x = data([3, 2]);
    const layer = model.first;
    expectSame(model.forward(x), layer.forward(layer.forward(x)));
  });
});

describe('stateDict and loadStateDict', () => {
  it('round-trips, so that two models compute the same', () => {
    const [a, b] = [new ResNet().eval(), new ResNet().eval()];
    const x = data([2, 3, 16, 16]);
    expect(a.forward(x).dataSync()).not.toEqual(b.forward(x).dataSync());
    expect(b.loadStateDict(a.stateDict())).toEqual({ missing: [], unexpected: [] });
    expect(b.forward(x).dataSync()).toEqual(a.forward(x).dataSync());
  });

  it('is a snapshot: later training does not change it', () => {
    const layer = new nn.Linear(2, 1);
    const state = layer.stateDict();
    const before = state.get('weight')?.dataSync();
    nn.init.zeros_(layer.weight);
    expect(state.get('weight')?.dataSync()).toEqual(before);
  });

  it('keeps the parameters as they are for optimizers: same objects, new values', () => {
    const layer = new nn.Linear(2, 1);
    const { weight } = layer;
    layer.loadStateDict({ weight: full([1, 2], 3), bias: zeros([1]) });
    expect(layer.weight).toBe(weight);
    expect(weight.requiresGrad && weight.isLeaf).toBe(true);
    expect(Array.from(weight.dataSync())).toEqual([3, 3]);
  });

  it("takes PyTorch's names and dtypes", () => {
    const layer = new nn.BatchNorm2d(2);
    layer.loadStateDict({
      weight: full([2], 2, { dtype: 'float64' }),
      bias: zeros([2]),
      running_mean: full([2], 5),
      running_var: full([2], 7),
      num_batches_tracked: tensor(9),
    });
    expect(Array.from(layer.runningVar?.dataSync() ?? [])).toEqual([7, 7]);
    expect(layer.numBatchesTracked?.itemSync()).toBe(9);
    expect(layer.numBatchesTracked?.dtype).toBe('int32');
    expect(layer.weight?.dtype).toBe('float32');
  });

  it('names everything that is missing, unexpected or of another shape, and loads nothing', () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 1));
    const before = [...model.stateDict().values()].map((each) => each.dataSync());
    const error = errorOf(() =>
      model.loadStateDict({
        '0.weight': zeros([3, 2]),
        '0.bias': zeros([4]),
        '2.weight': zeros([1, 3]),
        '3.gamma': zeros([1]),
      }),
    );
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.code).toBe('STATE_DICT_MISMATCH');
    expect(error.message).toContain('0.bias has shape [3], the given one [4]');
    expect(error.message).toContain('missing: 2.bias');
    expect(error.message).toContain('unexpected: 3.gamma');
    expect([...model.stateDict().values()].map((each) => each.dataSync())).toEqual(before);
  });

  it('reports instead of failing when not strict, but never takes a wrong shape', () => {
    const layer = new nn.Linear(2, 1);
    const result = layer.loadStateDict({ weight: full([1, 2], 4), extra: zeros([1]) }, { strict: false });
    expect(result).toEqual({ missing: ['bias'], unexpected: ['extra'] });
    expect(Array.from(layer.weight.dataSync())).toEqual([4, 4]);
    expect(() => layer.loadStateDict({ weight: zeros([2]) }, { strict: false })).toThrow(/shape mismatch/);
  });
});
