/** Operations as methods of Tensor, and their in-place forms. */
import { describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/index.js';
import { AutogradError, DTypeError, ShapeError } from '../../src/errors.js';
import '../../src/ops/methods.js';
import { ones, tensor } from '../../src/tensor/create.js';
import { Tensor } from '../../src/tensor/tensor.js';

const values = (x: Tensor | null): number[] => [...(x?.dataSync() ?? [])];

describe('methods', () => {
  const x = tensor([
    [1, -2],
    [3, 4],
  ]);

  it('chain', () => {
    expect(values(x.add(1).mul(2).sub(x).div(2).relu().sum(0))).toEqual([4, 3]);
    expect(values(x.matMul(x.transpose()).reshape([-1]).slice(0, 2))).toEqual([5, -5]);
    expect(x.unsqueeze(0).flatten(1).squeeze().shape).toEqual([4]);
  });

  it.each([
    ['sub', 'subtract'],
    ['mul', 'multiply'],
    ['div', 'divide'],
    ['pow', 'power'],
    ['eq', 'equal'],
    ['ne', 'notEqual'],
    ['lt', 'less'],
    ['le', 'lessEqual'],
    ['gt', 'greater'],
    ['ge', 'greaterEqual'],
  ] as const)('%s is %s', (short, long) => {
    expect(values(x[short](2))).toEqual(values(x[long](2)));
    expect(x[short](2).dtype).toBe(x[long](2).dtype);
  });

  it('pass their arguments on in order', () => {
    expect(values(x.where(x.gt(0), 0))).toEqual([1, 0, 3, 4]);
    expect(values(x.transpose(0, 1))).toEqual([1, 3, -2, 4]);
    expect(values(x.transpose([0, 1]))).toEqual([1, -2, 3, 4]);
    expect(values(x.gather(tensor([1], { dtype: 'int32' }), 1))).toEqual([-2, 4]);
    expect(values(x.indexSelect(1, tensor([1], { dtype: 'int32' })))).toEqual([-2, 4]);
    expect(values(x.select(0, 1))).toEqual([3, 4]);
    expect(values(x.narrow(1, 0, 1))).toEqual([1, 3]);
    expect(x.split(1, 1).map(values)).toEqual([
      [1, 3],
      [-2, 4],
    ]);
    expect(values(x.max(1))).toEqual([1, 4]);
    expect(x.variance(0, { correction: 0 }).shape).toEqual([2]);
    expect(values(x.topK(1, { axis: 0 }).indices)).toEqual([1, 1]);
    expect(values(x.clamp(0, 3))).toEqual([1, 0, 3, 3]);
    for (const sum of values(x.softmax(0).sum(0))) expect(sum).toBeCloseTo(1, 6);
    expect(x.logSoftmax().shape).toEqual([2, 2]);
    expect(x.cast('int32').dtype).toBe('int32');
    expect(values(x.pad([0, 1], [0, 0], { value: 7 }).argMax(1))).toEqual([0, 0]);
  });

  it('backward runs the tape', () => {
    const w = tensor([2, 3], { requiresGrad: true });
    w.square().sum().backward();
    expect(values(w.grad)).toEqual([4, 6]);
  });

  it('are not enumerable, so that a tensor prints as itself', () => {
    for (const key in x) expect(key).not.toBe('add');
    expect(Object.getOwnPropertyDescriptor(Tensor.prototype, 'add')?.enumerable).toBe(false);
  });
});

describe('in-place methods', () => {
  it('change the values and raise the version', () => {
    const x = tensor([1, 2]);
    const same = x
      .add_(1)
      .mul_(tensor([2, 3]))
      .sub_(1)
      .div_(2);
    expect(same).toBe(x);
    expect(values(x)).toEqual([1.5, 4]);
    expect(x.version).toBe(4);
    expect(values(x.fill_(7))).toEqual([7, 7]);
    expect(values(x.zero_())).toEqual([0, 0]);
    expect(values(x.copy_(tensor(5, { dtype: 'int32' })))).toEqual([5, 5]);
  });

  it('leave tensors that shared the values alone', () => {
    const x = tensor([1, 2]);
    const [detached, reshaped, copy] = [x.detach(), x.reshape([2, 1]), ones([2]).copy_(x)];
    x.add_(10);
    expect([detached, reshaped, copy].map(values)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  it('keep the shape and the dtype', () => {
    const x = tensor([1, 2]);
    expect(() =>
      x.add_(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ),
    ).toThrow(ShapeError);
    expect(values(x.add_(tensor([1, 2], { dtype: 'float64' })))).toEqual([2, 4]);
    expect(x.dtype).toBe('float32');
    const whole = tensor([1, 2], { dtype: 'int32' });
    expect(values(whole.mul_(3))).toEqual([3, 6]);
    expect(() => whole.add_(0.5)).toThrow(DTypeError);
  });

  it('refuse to change a leaf that requires a gradient, except without recording', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    expect(() => w.add_(1)).toThrow(AutogradError);
    expect(() => w.zero_()).toThrow(/noGrad/);
    noGrad(() => w.sub_(1));
    expect(values(w)).toEqual([0, 1]);
    expect([w.requiresGrad, w.isLeaf]).toEqual([true, true]);
  });

  it('refuse what would lose a gradient', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    expect(() => w.mul(2).add_(1)).toThrow(/result that gradients flow through/);
    expect(() => ones([2]).mul_(w)).toThrow(/would lose it/);
    expect(values(ones([2]).mul_(w.detach()))).toEqual([1, 2]);
  });

  it('are noticed by a backward pass that saved the values', () => {
    const [w, x] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4])];
    const loss = w.mul(x).sum();
    x.add_(1);
    expect(() => loss.backward()).toThrow(/changed in place/);
    const other = w.add(x).sum();
    x.add_(1);
    other.backward();
    expect(values(w.grad)).toEqual([1, 1]);
  });
});
