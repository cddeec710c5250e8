/** What the three ways to write a model become when they are recorded, and that the graph computes the same. */
import { describe, expect, it } from 'vitest';
import { ShapeError, TraceError } from '../../src/errors.js';
import { copyGraph, GraphModule } from '../../src/graph/graphModule.js';
import { trace } from '../../src/graph/trace.js';
import * as nn from '../../src/nn/index.js';
import { dropout } from '../../src/ops/neural/dropout.js';
import { manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { data, errorOf, expectSame, ResNet } from './models.js';

const type = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

const graphModule = (model: nn.Module, ...inputs: { shape: readonly number[]; dtype: 'float32' }[]): GraphModule => {
  const { graph, structure } = trace(model, inputs);
  const copy = new GraphModule(copyGraph(graph), structure);
  copy.train(model.training);
  return copy;
};

/** Operations, without inputs and constants, as `name: type`. */
const operations = (model: nn.Module, ...inputs: { shape: readonly number[]; dtype: 'float32' }[]) =>
  trace(model, inputs)
    .graph.nodes.filter((node) => !node.isParameter && !node.isConstant)
    .map((node) => `${node.name}: ${node.type}`);

const smallNet = () =>
  new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(64, 3),
  );

describe('recording a Sequential', () => {
  it('gives one node per operation, named after its layer', () => {
    expect(operations(smallNet(), type(1, 1, 8, 8))).toEqual([
      '0/Convolution: Convolution',
      '1/BatchNormInference: BatchNormInference',
      '2/ReLU: ReLU',
      '3/MaxPool: MaxPool',
      '4/Reshape: Reshape',
      '5/MatMul: MatMul',
      '5/Add: Add',
    ]);
  });

  it('makes constants of parameters and buffers under their names, and only of those', () => {
    const constants = trace(smallNet(), [type(1, 1, 8, 8)]).graph.nodes.filter((node) => node.isConstant);
    expect(constants.map((node) => [node.name, node.constant.path])).toEqual(
      ['0.weight', '1.weight', '1.bias', '1.runningMean', '1.runningVar', '5.weight', '5.bias'].map((path) => [
        path,
        path,
      ]),
    );
  });

  it('lets the batch be of any size', () => {
    const { graph } = trace(smallNet(), [type(1, 1, 8, 8)]);
    expect(graph.inputs[0].outputs[0].type.shape).toEqual([-1, 1, 8, 8]);
    expect(graph.outputs[0].value.type.shape).toEqual([-1, 3]);
    expect(trace(smallNet(), [type(2, 1, 8, 8)], { dynamicBatch: false }).graph.outputs[0].value.type.shape).toEqual([
      2, 3,
    ]);
  });
});

describe('recording a class', () => {
  it('names nodes by the path of the layer', () => {
    const names = operations(new ResNet(), type(1, 3, 16, 16)).map((text) => text.split(':')[0]);
    expect(names.slice(0, 4)).toEqual(['conv1/Convolution', 'bn1/BatchNormInference', 'relu/ReLU', 'maxpool/MaxPool']);
    expect(names).toContain('layer2/0/downsample/0/Convolution');
    expect(names).toContain('layer1/0/Add');
    expect(names).toContain('layer1/0/relu/ReLU_1');
    expect(names.slice(-3)).toEqual(['Reshape', 'fc/MatMul', 'fc/Add']);
  });

  it('leaves the model as it was', () => {
    const model = new ResNet();
    const before = [...model.stateDict().values()].map((each) => each.dataSync());
    trace(model, [type(1, 3, 16, 16)]);
    expect([...model.stateDict().values()].map((each) => each.dataSync())).toEqual(before);
    expect(model.modules().some((module) => Object.hasOwn(module, 'forward'))).toBe(false);
  });

  it('records what is computed from parameters, such as reshaped biases and grouped weights', () => {
    class Scaled extends nn.Module {
      readonly conv = new nn.Conv2d(4, 4, 3, { groups: 2 });
      readonly scale = new nn.Parameter(data([1]));
      override forward(x: Tensor): Tensor {
        return this.conv.forward(x).mul(this.scale.exp());
      }
    }
    const model = new Scaled();
    const copy = graphModule(model, type(1, 4, 5, 5));
    expect([...copy.namedParameters()].map(([name]) => name).sort()).toEqual(['conv.bias', 'conv.weight', 'scale']);
    const x = data([2, 4, 5, 5]);
    (copy.forward(x) as Tensor).sum().backward();
    model.forward(x).sum().backward();
    const gradients = new Map([...model.namedParameters()].map(([name, { grad }]) => [name, grad]));
    for (const [name, { grad }] of copy.namedParameters()) expectSame(grad, gradients.get(name) as Tensor, 1e-5);
  });
});

describe('recording a Functional model', () => {
  it('gives the same as the layers alone, under the names of the model', () => {
    const image = nn.input({ shape: [null, 1, 4, 4], name: 'image' });
    const mask = nn.input({ shape: [null, 1, 4, 4], name: 'mask' });
    const conv = new nn.Conv2d(1, 2, 3, { padding: 1, bias: false });
    const [a, b] = [conv.apply(image), conv.apply(mask)];
    const sum = new nn.ReLU().apply(a.add(b));
    const model = new nn.Functional({ inputs: [image, mask], outputs: { sum, difference: a.sub(b) } });
    expect(operations(model, type(1, 1, 4, 4), type(1, 1, 4, 4))).toEqual([
      'conv2d/Convolution: Convolution',
      'conv2d/Convolution_1: Convolution',
      'Add: Add',
      'relu/ReLU: ReLU',
      'Subtract: Subtract',
    ]);
    const { graph } = trace(model, model.inputs);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['image', 'mask']);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['sum', 'difference']);
    expect(graph.nodes.filter((node) => node.isConstant).map(({ name }) => name)).toEqual(['conv2d.weight']);
    const [x, y] = [data([2, 1, 4, 4], 1), data([2, 1, 4, 4], 2)];
    const expected = model.forward(x, y) as Record<string, Tensor>;
    const actual = graphModule(model, type(1, 1, 4, 4), type(1, 1, 4, 4)).forward(x, y) as Record<string, Tensor>;
    expect(Object.keys(actual)).toEqual(['sum', 'difference']);
    for (const [name, value] of Object.entries(expected)) expectSame(actual[name], value);
  });

  it('goes through nested models', () => {
    const x = nn.input({ shape: [null, 2] });
    const inner = new nn.Functional({ inputs: x, outputs: new nn.Linear(2, 2, { bias: false }).apply(x) });
    const y = nn.input({ shape: [null, 2] });
    const outer = new nn.Functional({ inputs: y, outputs: inner.apply(y) });
    expect(operations(outer, type(1, 2))).toEqual(['functional/linear/MatMul: MatMul']);
  });
});

describe('errors while recording', () => {
  class Gate extends nn.Module {
    override forward(x: Tensor): Tensor {
      return x.sum().itemSync() > 0 ? x.relu() : x;
    }
  }

  it('name the layer whose control flow depends on data', () => {
    const error = errorOf(() => trace(new nn.Sequential(new nn.ReLU(), new nn.Sequential(new Gate())), [type(1, 2)]));
    expect(error).toBeInstanceOf(TraceError);
    expect(error.message).toContain("layer '1/0'");
    expect(error.message).toContain('Control flow must not depend on the data');
  });

  it.each<[string, (x: Tensor) => unknown]>([
    ['dataSync', (x) => x.dataSync()],
    ['comparison', (x) => (x as unknown as number) > 0],
    ['assignment', (x) => x.assign_(x)],
  ])('name the layer that needs values: %s', (_name, use) => {
    class Reads extends nn.Module {
      readonly inner = new (class Inner extends nn.Module {
        override forward(x: Tensor): Tensor {
          use(x);
          return x;
        }
      })();
      override forward(x: Tensor): Tensor {
        return this.inner.forward(x);
      }
    }
    const error = errorOf(() => trace(new Reads(), [type(1, 2)]));
    expect(error).toBeInstanceOf(TraceError);
    expect(error.message).toContain("layer 'inner'");
  });

  it('name the layer and both shapes where they do not fit', () => {
    const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(6, 2));
    const error = errorOf(() => trace(model, [type(1, 4)]));
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.message).toContain("layer '2'");
    expect(error.message).toContain('[?, 8]');
    expect(error.message).toContain('[2, 6]');
  });

  it('name the layer for checks that come before the operation', () => {
    const error = errorOf(() => trace(new nn.Sequential(new nn.Flatten(), new nn.MaxPool2d(2)), [type(1, 1, 4, 4)]));
    expect(error.message).toMatch(/^At layer '1':/);
    expect(error.message).toContain('[?, 16]');
  });

  it('leave the model as it was', () => {
    const model = new nn.Sequential(new nn.ReLU(), new Gate());
    expect(() => trace(model, [type(1, 2)])).toThrow(TraceError);
    expect(model.modules().some((module) => Object.hasOwn(module, 'forward'))).toBe(false);
    expect(model.forward(data([1, 2])).shape).toEqual([1, 2]);
  });

  it('say what forward() may return', () => {
    class Odd extends nn.Module {
      override forward(x: Tensor): unknown {
        return { x, count: 3 };
      }
    }
    expect(errorOf(() => trace(new Odd(), [type(1, 2)])).message).toMatch(/found number at 'count'/);
  });
});

describe('GraphModule', () => {
  it('computes what the model computes after eval()', () => {
    const model = new ResNet();
    model.forward(data([8, 3, 16, 16], 3));
    model.eval();
    const x = data([3, 3, 16, 16]);
    expectSame(graphModule(model, type(1, 3, 16, 16)).forward(x), model.forward(x));
  });

  it('trains as the model does: outputs, gradients and running statistics', () => {
    const model = new ResNet();
    const copy = graphModule(model, type(1, 3, 16, 16));
    for (const seed of [1, 2]) {
      const x = data([4, 3, 16, 16], seed);
      const [expected, actual] = [model.forward(x), copy.forward(x) as Tensor];
      expectSame(actual, expected);
      expected.square().sum().backward();
      actual.square().sum().backward();
    }
    const own = new Map<string, Tensor>([...model.namedParameters(), ...model.namedBuffers()]);
    const copied = [...copy.namedParameters(), ...copy.namedBuffers()];
    expect(copied.length).toBe([...own.keys()].filter((name) => !name.endsWith('numBatchesTracked')).length);
    for (const [name, tensor] of copied) {
      const original = own.get(name) as Tensor;
      expect(tensor).not.toBe(original);
      expectSame(tensor, original);
      if (tensor instanceof nn.Parameter) expectSame(tensor.grad, original.grad as Tensor, 1e-5);
    }
    const x = data([2, 3, 16, 16], 9);
    expectSame(copy.eval().forward(x), model.eval().forward(x));
  });

  it('drops as the model does', () => {
    const model = new nn.Sequential(new nn.Dropout(0.5), new nn.ReLU());
    const copy = graphModule(model, type(1, 50));
    const x = data([4, 50]).abs().add(1);
    manualSeed(2);
    const expected = model.forward(x);
    manualSeed(2);
    expectSame(copy.forward(x), expected);
    expect(Array.from(expected.dataSync())).toContain(0);
    expectSame(copy.eval().forward(x), x);
  });

  it('keeps the training form of operations that were called without a layer', () => {
    class Drops extends nn.Module {
      override forward(x: Tensor): Tensor {
        return dropout(x, 1, { training: this.training });
      }
    }
    const copy = graphModule(new Drops(), type(1, 3));
    const x = data([2, 3]);
    expectSame(copy.forward(x), x.mul(0));
    expectSame(copy.eval().forward(x), x);
  });

  it('takes the state of the model by name', () => {
    const [model, other] = [smallNet(), smallNet()];
    const copy = graphModule(model, type(1, 1, 8, 8));
    const state = other.stateDict();
    state.delete('1.numBatchesTracked');
    copy.loadStateDict(state);
    const x = data([2, 1, 8, 8]);
    expectSame(copy.eval().forward(x), other.eval().forward(x));
  });
});
