import { describe, expect, it } from 'vitest';
import { ShapeError, TraceError, ValidationError } from '../../src/errors.js';
import * as nn from '../../src/nn/index.js';
import { lowerCamelCase } from '../../src/nn/layerNames.js';
import { concat } from '../../src/ops/movement/concat.js';
import { dropout } from '../../src/ops/neural/dropout.js';
import { linear } from '../../src/ops/neural/linear.js';
import { matMul } from '../../src/ops/neural/matMul.js';
import { full, ones } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { BasicBlock, data, errorOf, expectSame } from './models.js';

const names = (model: nn.Module) => [...model.stateDict().keys()];

describe('nn.input', () => {
  it('is symbolic, with unknown extents', () => {
    const x = nn.input({ shape: [null, 3, -1], dtype: 'int32' });
    expect(x.isSymbolic).toBe(true);
    expect(x.shape).toEqual([-1, 3, -1]);
    expect(x.dtype).toBe('int32');
  });

  it.each([
    [{ shape: [1.5] }, /is not a shape/],
    [{ shape: 3 }, /is not a shape/],
    [undefined, /is not a shape/],
    [{ shape: [1], type: 'int32' }, /Did you mean 'dtype'/],
    [{ shape: [1], dtype: 'float16' }, /no dtype 'float16'/],
    [{ shape: [1], name: 3 }, /name is a string/],
  ])('rejects %j', (options, message) => {
    expect(errorOf(() => nn.input(options as unknown as nn.InputOptions)).message).toMatch(message);
  });

  it('has no values', () => {
    expect(() => nn.input({ shape: [1] }).itemSync()).toThrow(TraceError);
  });
});

describe('Functional', () => {
  it('does with tensors what was done with symbols', () => {
    const layers = [new nn.Flatten(), new nn.Linear(8, 4), new nn.ReLU()];
    const x = nn.input({ shape: [null, 2, 4] });
    const model = new nn.Functional({
      inputs: x,
      outputs: layers.reduce((value, layer) => layer.apply(value) as Tensor, x),
    });
    const value = data([3, 2, 4]);
    expectSame(model.forward(value), new nn.Sequential(...layers).forward(value));
    expect(model.inputs).toEqual([{ name: 'input', shape: [-1, 2, 4], dtype: 'float32' }]);
  });

  it('infers shapes when a layer is called', () => {
    const x = nn.input({ shape: [null, 1, 8, 8] });
    const y = new nn.Conv2d(1, 6, 3, { stride: 2 }).apply(x);
    expect(y.shape).toEqual([-1, 6, 3, 3]);
    expect(new nn.Flatten().apply(y).shape).toEqual([-1, 54]);
  });

  it('names layers by class and by the order of the calls', () => {
    const x = nn.input({ shape: [null, 2] });
    const first = new nn.Linear(2, 2, { bias: false }).apply(x);
    const late = new nn.Linear(2, 2, { bias: false });
    const second = new nn.Linear(2, 2, { bias: false }).apply(first);
    const model = new nn.Functional({ inputs: x, outputs: late.apply(new nn.LeakyReLU().apply(second)) });
    expect([...model.namedChildren()].map(([name]) => name)).toEqual(['linear', 'linear_1', 'leakyRelu', 'linear_2']);
    expect(names(model)).toEqual(['linear.weight', 'linear_1.weight', 'linear_2.weight']);
  });

  it('takes names for layers, around which the others are numbered', () => {
    const x = nn.input({ shape: [null, 2] });
    const [stem, middle, head] = [1, 2, 3].map(() => new nn.Linear(2, 2, { bias: false }));
    const outputs = head.apply(middle.apply(stem.apply(x)));
    const model = new nn.Functional({ inputs: x, outputs, layers: { head, linear: stem } });
    expect([...model.namedChildren()].map(([name]) => name)).toEqual(['linear', 'linear_1', 'head']);
    const rejected = (layers: Record<string, nn.Module>) =>
      errorOf(() => new nn.Functional({ inputs: x, outputs, layers })).message;
    expect(rejected({ other: new nn.ReLU() })).toMatch(/'other' is not used/);
    expect(rejected({ 'a.b': stem })).toMatch(/no dot/);
    expect(rejected({ a: stem, b: stem })).toMatch(/'a' and 'b' name the same layer/);
  });

  it('takes several inputs and gives several outputs, with shared layers', () => {
    const embed = new nn.Linear(3, 4);
    const head = new nn.Linear(8, 2);
    const left = nn.input({ shape: [null, 3], name: 'left' });
    const right = nn.input({ shape: [null, 3], name: 'right' });
    const [a, b] = [embed.apply(left), embed.apply(right)];
    const model = new nn.Functional({
      inputs: [left, right],
      outputs: { score: head.apply(concat([a, b], 1)), distance: a.sub(b).abs() },
    });
    expect(model.inputs.map(({ name }) => name)).toEqual(['left', 'right']);
    expect(names(model)).toEqual(['linear.weight', 'linear.bias', 'linear_1.weight', 'linear_1.bias']);
    const [x, y] = [data([5, 3], 1), data([5, 3], 2)];
    const result = model.forward(x, y) as { score: Tensor; distance: Tensor };
    expect(Object.keys(result)).toEqual(['score', 'distance']);
    expectSame(result.score, head.forward(concat([embed.forward(x), embed.forward(y)], 1)));
    expectSame(result.distance, embed.forward(x).sub(embed.forward(y)).abs());
    result.score.sum().backward();
    expect(embed.weight.grad).not.toBeNull();
  });

  it('mirrors arrays and nested structures of outputs', () => {
    const x = nn.input({ shape: [null, 2] });
    const model = new nn.Functional({ inputs: [x], outputs: [x.relu(), { twice: x.mul(2), deep: [x] }] });
    const value = data([1, 2]);
    const [first, { twice, deep }] = model.forward(value) as [Tensor, { twice: Tensor; deep: Tensor[] }];
    expectSame(first, value.relu());
    expectSame(twice, value.mul(2));
    expect(deep[0]).toBe(value);
  });

  it('names inputs by the keys of an object', () => {
    const [a, b] = [nn.input({ shape: [2], name: 'ignored' }), nn.input({ shape: [2] })];
    const model = new nn.Functional({ inputs: { image: a, mask: b }, outputs: a.mul(b) });
    expect(model.inputs.map(({ name }) => name)).toEqual(['image', 'mask']);
  });

  it('can be a layer of another model, twice', () => {
    const x = nn.input({ shape: [null, 2] });
    const inner = new nn.Functional({ inputs: x, outputs: new nn.Tanh().apply(new nn.Linear(2, 2).apply(x)) });
    const outside = nn.input({ shape: [null, 2] });
    const outer = new nn.Functional({ inputs: outside, outputs: inner.apply(inner.apply(outside) as Tensor) });
    expect(names(outer)).toEqual(['functional.linear.weight', 'functional.linear.bias']);
    const value = data([3, 2]);
    expectSame(outer.forward(value), inner.forward(inner.forward(value) as Tensor) as Tensor);
  });

  it('takes layers with several inputs and outputs', () => {
    class Swap extends nn.Module {
      override forward(a: Tensor, b: Tensor): { first: Tensor; second: Tensor } {
        return { first: b.neg(), second: a };
      }
    }
    const [a, b] = [nn.input({ shape: [2] }), nn.input({ shape: [3] })];
    const { first, second } = new Swap().apply(a, b);
    expect([first.shape, second.shape]).toEqual([[3], [2]]);
    const model = new nn.Functional({ inputs: [a, b], outputs: [second, first] });
    const [x, y] = [data([2]), data([3])];
    const [one, two] = model.forward(x, y) as [Tensor, Tensor];
    expect(one).toBe(x);
    expectSame(two, y.neg());
  });

  it('may begin in the middle of what was recorded', () => {
    const x = nn.input({ shape: [null, 2] });
    const middle = new nn.Linear(2, 3).apply(x);
    const head = new nn.Linear(3, 1);
    const model = new nn.Functional({ inputs: middle, outputs: head.apply(middle) });
    expect(names(model)).toEqual(['linear.weight', 'linear.bias']);
    const value = data([2, 3]);
    expectSame(model.forward(value), head.forward(value));
  });

  it('owns the parameters that operations use directly', () => {
    const x = nn.input({ shape: [null, 3] });
    const [weight, bias] = [new nn.Parameter(data([2, 3])), new nn.Parameter(data([2]))];
    const scale = new nn.Buffer(full([1], 3));
    const model = new nn.Functional({ inputs: x, outputs: linear(x, weight, bias).mul(scale).add(bias) });
    expect(names(model)).toEqual(['parameter', 'parameter_1', 'buffer']);
    const value = data([4, 3]);
    expectSame(model.forward(value), linear(value, weight, bias).mul(3).add(bias));
    nn.init.zeros_(weight);
    nn.init.zeros_(bias);
    expectSame(model.forward(value), full([4, 2], 0));
  });

  it('leaves a parameter to the layer that has it', () => {
    const x = nn.input({ shape: [null, 3] });
    const layer = new nn.Linear(3, 3);
    const model = new nn.Functional({ inputs: x, outputs: matMul(layer.apply(x), layer.weight) });
    expect(names(model)).toEqual(['linear.weight', 'linear.bias']);
  });

  it('does not take tensors that were computed from parameters beforehand', () => {
    const weight = new nn.Parameter(ones([2]));
    expect(() => nn.input({ shape: [2] }).mul(weight.mul(2))).toThrow(/would not follow their training/);
  });

  it('follows train() and eval() in layers and in operations', () => {
    const x = nn.input({ shape: [null, 4] });
    const model = new nn.Functional({ inputs: x, outputs: dropout(new nn.BatchNorm1d(4).apply(x), 0.5) });
    const value = data([200, 4]).add(3);
    const zeros = (result: unknown) => (result as Tensor).dataSync().filter((each) => each === 0).length;
    expect(zeros(model.forward(value))).toBeGreaterThan(300);
    const [norm] = model.modules().filter((module) => module instanceof nn.BatchNorm1d);
    expect(norm.numBatchesTracked?.itemSync()).toBe(1);
    model.eval();
    expect(zeros(model.forward(value))).toBe(0);
    expect(norm.numBatchesTracked?.itemSync()).toBe(1);
  });

  it('leaves running statistics alone while it is built', () => {
    const layer = new nn.BatchNorm2d(3);
    layer.apply(nn.input({ shape: [null, 3, 4, 4] }));
    expect(layer.numBatchesTracked?.itemSync()).toBe(0);
    expect(Array.from(layer.runningMean?.dataSync() ?? [])).toEqual([0, 0, 0]);
  });

  it('checks what it is given', () => {
    const x = nn.input({ shape: [null, 2], name: 'features' });
    const model = new nn.Functional({ inputs: x, outputs: x.relu() });
    const wrongShape = errorOf(() => model.forward(data([3, 4])));
    expect(wrongShape).toBeInstanceOf(ShapeError);
    expect(wrongShape.message).toContain("'features' takes float32 [?, 2], but was given float32 [3, 4]");
    expect(() => model.forward(full([1, 2], 1, { dtype: 'int32' }))).toThrow(/given int32/);
    expect(errorOf(() => model.forward()).message).toContain('takes 1 input (features), but was given 0');
  });
});

describe('errors of the Functional style', () => {
  const x = nn.input({ shape: [null, 2], name: 'x' });
  const z = nn.input({ shape: [null, 2], name: 'z' });
  const message = (inputs: unknown, outputs: unknown) => {
    const error = errorOf(() => new nn.Functional({ inputs: inputs as Tensor, outputs }));
    expect([ValidationError, TraceError].some((kind) => error instanceof kind)).toBe(true);
    return error.message;
  };

  it('names an input that no output needs', () => {
    expect(message([x, z], x.relu())).toMatch(/no output depends on input 'z'/);
  });

  it('names a symbolic input that was left out, and who needs it', () => {
    expect(message(x, { sum: x.add(z) })).toMatch(
      /output 'sum' depends on the symbolic input 'z'.*not among the inputs \(x\)/,
    );
  });

  it('names an output that does not depend on the inputs', () => {
    expect(message(x, [x.relu(), ones([2])])).toMatch(/'output_1' does not depend on the inputs/);
  });

  it('rejects inputs and outputs of other kinds', () => {
    expect(message(ones([2]), x)).toMatch(/not a symbolic tensor/);
    expect(message([], x)).toMatch(/at least one symbolic tensor/);
    expect(message(undefined, x)).toMatch(/at least one symbolic tensor/);
    expect(message([x, x], x)).toMatch(/'x' is given twice/);
    expect(message(x, null)).toMatch(/outputs must be tensors.*found null/);
    expect(message(x, { a: [x, 3] })).toMatch(/found number at 'a_1'/);
  });

  it('rejects unknown options', () => {
    const options = { inputs: x, output: x } as unknown as nn.FunctionalOptions;
    expect(errorOf(() => new nn.Functional(options)).message).toContain("Did you mean 'outputs'?");
  });

  it('names the layer and both shapes where they do not fit', () => {
    const error = errorOf(() => new nn.Conv2d(3, 8, 3).apply(nn.input({ shape: [null, 1, 8, 8] })));
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.message).toContain("layer 'Conv2d'");
    expect(error.message).toContain('[?, 1, 8, 8]');
    expect(error.message).toContain('[8, 3, 3, 3]');
  });

  it('names the layer inside of a layer', () => {
    const block = new BasicBlock(4, 4, 1);
    const error = errorOf(() => block.apply(nn.input({ shape: [null, 3, 8, 8] })));
    expect(error.message).toContain("layer 'BasicBlock/conv1'");
    const linearError = errorOf(() => new nn.Sequential(new nn.ReLU(), new nn.Linear(5, 2)).apply(x));
    expect(linearError.message).toContain("layer 'Sequential/1'");
  });

  it('names the layer whose control flow depends on data', () => {
    class Gate extends nn.Module {
      override forward(value: Tensor): Tensor {
        return value.sum().itemSync() > 0 ? value : value.neg();
      }
    }
    const error = errorOf(() => new nn.Sequential(new nn.ReLU(), new Gate()).apply(x));
    expect(error).toBeInstanceOf(TraceError);
    expect(error.message).toContain("layer 'Sequential/1'");
  });

  it('rejects layers that return promises or other things', () => {
    class Late extends nn.Module {
      override async forward(value: Tensor): Promise<Tensor> {
        return value;
      }
    }
    expect(errorOf(() => new Late().apply(x)).message).toMatch(/Late\.forward\(\).*a promise/);
  });
});

describe('lowerCamelCase', () => {
  it.each([
    ['Conv2d', 'conv2d'],
    ['BatchNorm2d', 'batchNorm2d'],
    ['ReLU', 'relu'],
    ['ReLU6', 'relu6'],
    ['LeakyReLU', 'leakyRelu'],
    ['GELU', 'gelu'],
    ['MSELoss', 'mseLoss'],
    ['BCEWithLogitsLoss', 'bceWithLogitsLoss'],
    ['L1Loss', 'l1Loss'],
    ['LSTM', 'lstm'],
    ['A', 'a'],
    ['', 'layer'],
  ])('%s -> %s', (given, expected) => {
    expect(lowerCamelCase(given)).toBe(expected);
  });
});
