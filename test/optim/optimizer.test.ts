/** Groups, skipping, saved state and errors of optimizers in general. */
import { describe, expect, it } from 'vitest';
import { BackendError, ValidationError } from '../../src/errors.js';
import { ReferenceBackend } from '../../src/kernels/reference/backend.js';
import { add } from '../../src/ops/elementwise/add.js';
import { Adam, AdamW, type OptimizerState, RMSprop, SGD } from '../../src/optim/index.js';
import { tensor, zeros } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';

const parameter = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });
const withGradient = (value: number, gradient: number): Tensor => {
  const result = parameter(value);
  result.grad = tensor([gradient]);
  return result;
};

/** The error of `body`, which must be a ValidationError. */
function errorOf(body: () => unknown): ValidationError {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return error as ValidationError;
  }
  throw new Error('nothing was thrown');
}

describe('groups', () => {
  it('override options; the others are the optimizer’s', () => {
    const [a, b] = [withGradient(1, 1), withGradient(1, 1)];
    const optimizer = new SGD([{ params: [a] }, { params: [b], lr: 0.25, weightDecay: 1 }], { lr: 0.5 });
    optimizer.step();
    expect(a.itemSync()).toBe(0.5);
    expect(b.itemSync()).toBe(0.5);
    expect(optimizer.paramGroups.map(({ lr, weightDecay }) => [lr, weightDecay])).toEqual([
      [0.5, 0],
      [0.25, 1],
    ]);
  });

  it('can be added and changed between steps', () => {
    const [a, b] = [withGradient(1, 1), withGradient(1, 1)];
    const optimizer = new SGD([a], { lr: 0.5 });
    optimizer.addParamGroup({ params: [b], lr: 1 });
    optimizer.paramGroups[0].lr = 0;
    optimizer.step();
    expect([a.itemSync(), b.itemSync()]).toEqual([1, 0]);
  });

  it('takes generators, and undefined as not given', () => {
    function* list() {
      yield withGradient(1, 1);
    }
    expect(new SGD(list(), { lr: undefined }).paramGroups[0].lr).toBe(1e-3);
  });

  it('PyTorch’s defaults', () => {
    const of = (optimizer: { defaults: object }) => optimizer.defaults;
    expect(of(new SGD([parameter(1)]))).toEqual({
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
    });
    expect(of(new Adam([parameter(1)]))).toEqual({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 });
    expect(of(new AdamW([parameter(1)]))).toEqual({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 1e-2 });
    expect(of(new RMSprop([parameter(1)]))).toEqual({
      lr: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
    });
  });
});

describe('step', () => {
  it('skips parameters without a gradient, also in their step count', () => {
    const [a, b] = [withGradient(1, 1), parameter(1)];
    const optimizer = new Adam([a, b], { lr: 0.1 });
    optimizer.step();
    expect(b.itemSync()).toBe(1);
    expect(b.version).toBe(0);
    expect(optimizer.stateDict().groups[0].steps).toEqual([1, 0]);
    expect([...optimizer.stateDict().state.keys()]).toEqual(['0.expAvg', '0.expAvgSq']);
    b.grad = tensor([1]);
    a.grad = null;
    optimizer.step();
    // A first step of Adam has the size of the rate.
    expect(b.itemSync()).toBeCloseTo(0.9, 6);
  });

  it('zeroGrad forgets the gradients', () => {
    const a = withGradient(1, 1);
    new SGD([a]).zeroGrad();
    expect(a.grad).toBeNull();
  });

  it('trains float64 parameters in float64', () => {
    const a = tensor([1], { dtype: 'float64', requiresGrad: true });
    a.grad = tensor([1], { dtype: 'float64' });
    new SGD([a], { lr: 0.1 }).step();
    expect(a.itemSync()).toBe(0.9);
  });

  it('starts the momentum when it is first used', () => {
    const a = withGradient(0, 1);
    const optimizer = new SGD([a], { lr: 1, dampening: 0.5 });
    optimizer.step();
    optimizer.paramGroups[0].momentum = 0.5;
    optimizer.step();
    expect(a.itemSync()).toBe(-2);
    optimizer.step();
    expect(a.itemSync()).toBe(-3);
  });

  it('changes nothing if one gradient does not fit', () => {
    const [a, b] = [withGradient(1, 1), parameter(1)];
    const optimizer = new SGD([a, b]);
    b.grad = tensor([1, 2]);
    expect(errorOf(() => optimizer.step()).message).toContain('gradient of parameter 1 of group 0 is float32 [2]');
    b.grad = tensor([1], { dtype: 'float64' });
    expect(errorOf(() => optimizer.step()).code).toBe('GRADIENT_MISMATCH');
    b.grad = tensor([1], { backend: new ReferenceBackend() });
    expect(() => optimizer.step()).toThrow(BackendError);
    b.grad = null;
    optimizer.paramGroups[0].lr = Number.NaN;
    expect(errorOf(() => optimizer.step()).message).toBe(
      'SGD: group 0: lr is NaN; it must be a finite number of at least 0.',
    );
    expect(a.version).toBe(0);
  });
});

describe('wrong arguments', () => {
  it.each([
    ['lr NaN', () => new SGD([parameter(1)], { lr: Number.NaN }), 'lr is NaN'],
    ['lr negative', () => new Adam([parameter(1)], { lr: -1 }), 'lr is -1'],
    ['lr infinite', () => new Adam([parameter(1)], { lr: Number.POSITIVE_INFINITY }), 'lr is Infinity'],
    ['lr a string', () => new SGD([parameter(1)], { lr: '0.1' as never }), 'lr is 0.1; it must be a finite number'],
    ['weightDecay', () => new AdamW([parameter(1)], { weightDecay: -0.1 }), 'weightDecay is -0.1'],
    ['momentum', () => new SGD([parameter(1)], { momentum: -0.1 }), 'momentum is -0.1'],
    ['dampening', () => new SGD([parameter(1)], { dampening: Number.NaN }), 'dampening is NaN'],
    ['nesterov', () => new SGD([parameter(1)], { nesterov: true }), 'nesterov needs momentum above 0'],
    ['beta', () => new Adam([parameter(1)], { betas: [0.9, 1] }), 'betas[1] is 1'],
    ['betas', () => new Adam([parameter(1)], { betas: 0.9 as never }), 'betas is 0.9'],
    ['eps', () => new Adam([parameter(1)], { eps: -1 }), 'eps is -1'],
    ['alpha', () => new RMSprop([parameter(1)], { alpha: 2 }), 'alpha is 2'],
    ['centered', () => new RMSprop([parameter(1)], { centered: 1 as never }), 'centered is 1'],
    ['group option', () => new SGD([{ params: [parameter(1)], lr: -2 }]), 'SGD: group 0: lr is -2'],
    ['unknown option', () => new SGD([parameter(1)], { learningRate: 1 } as never), "no option 'learningRate'"],
    ['misspelled option', () => new SGD([parameter(1)], { momentun: 1 } as never), "Did you mean 'momentum'?"],
    [
      'misspelled group option',
      () => new Adam([{ params: [parameter(1)], beta: 1 } as never]),
      "Did you mean 'betas'?",
    ],
    ['options no object', () => new SGD([parameter(1)], 0.1 as never), 'options are given as an object'],
    ['one tensor', () => new SGD(parameter(1) as never), 'not a single tensor'],
    ['no list', () => new SGD(null as never), 'not null'],
    ['empty', () => new SGD([]), 'no parameters'],
    ['a number in the list', () => new SGD([parameter(1), 3] as never), 'item 0 is a single tensor'],
    ['params no list', () => new SGD([{ params: 3 }] as never), 'params is 3'],
    ['params without tensors', () => new SGD([{ params: [3] }] as never), 'parameter 0 is 3, not a tensor'],
    ['integer parameter', () => new SGD([tensor([1], { dtype: 'int32' })]), 'is int32'],
  ])('%s', (_, body, message) => {
    expect(errorOf(body).message).toContain(message);
  });

  it('tensors that are no leaves, or listed twice', () => {
    const a = parameter(1);
    expect(errorOf(() => new SGD([a, add(a, 1)])).code).toBe('NOT_A_LEAF');
    expect(errorOf(() => new SGD([a, parameter(2), a])).code).toBe('DUPLICATE_PARAMETER');
    expect(errorOf(() => new SGD([{ params: [a] }, { params: [a] }])).code).toBe('DUPLICATE_PARAMETER');
    const optimizer = new SGD([a]);
    expect(errorOf(() => optimizer.addParamGroup({ params: [a] })).code).toBe('DUPLICATE_PARAMETER');
    expect(optimizer.paramGroups).toHaveLength(1);
  });
});

describe('saved state', () => {
  const trained = (): Adam => {
    const optimizer = new Adam([
      { params: [withGradient(1, 1), parameter(5)] },
      { params: [withGradient(2, 3)], lr: 0.5 },
    ]);
    optimizer.step();
    return optimizer;
  };
  const fresh = (): Adam =>
    new Adam([{ params: [withGradient(1, 1), parameter(5)] }, { params: [withGradient(2, 3)] }]);

  it('counts parameters through all groups, and is not changed by later steps', () => {
    const optimizer = trained();
    const saved = optimizer.stateDict();
    const before = saved.state.get('2.expAvg')?.itemSync();
    optimizer.step();
    expect([...saved.state.keys()]).toEqual(['0.expAvg', '0.expAvgSq', '2.expAvg', '2.expAvgSq']);
    expect(saved.groups).toEqual([
      { params: [0, 1], steps: [1, 0], lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 },
      { params: [2], steps: [1], lr: 0.5, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 },
    ]);
    expect(saved.state.get('2.expAvg')?.itemSync()).toBe(before);
    expect(saved.groups[0].steps).toEqual([1, 0]);
  });

  it('loading does not share the averages with the dictionary', () => {
    const saved = trained().stateDict();
    const optimizer = fresh();
    optimizer.loadStateDict(saved);
    const before = saved.state.get('0.expAvg')?.itemSync();
    optimizer.step();
    expect(saved.state.get('0.expAvg')?.itemSync()).toBe(before);
    expect(optimizer.paramGroups[1].lr).toBe(0.5);
  });

  const damage: [string, (saved: { state: Map<string, Tensor>; groups: Record<string, unknown>[] }) => void, string][] =
    [
      ['a group too few', ({ groups }) => groups.pop(), 'has 1 parameter groups, this optimizer 2'],
      ['a parameter too few', ({ groups }) => Object.assign(groups[0], { params: [0] }), 'group 0 has 1 parameters'],
      ['a repeated number', ({ groups }) => Object.assign(groups[0], { params: [0, 0] }), 'occurs twice'],
      ['no steps', ({ groups }) => delete groups[0].steps, 'how often'],
      ['a step that is no number', ({ groups }) => Object.assign(groups[0], { steps: [1, null] }), 'how often'],
      ['a missing average', ({ state }) => state.delete('2.expAvgSq'), '2.expAvgSq is missing'],
      ['a wrong shape', ({ state }) => state.set('0.expAvg', zeros([2])), '0.expAvg has shape [2]'],
      [
        'another backend',
        ({ state }) => state.set('0.expAvg', zeros([1], { backend: new ReferenceBackend() })),
        'is on reference',
      ],
      ['an unknown average', ({ state }) => state.set('0.momentumBuffer', zeros([1])), 'unexpected: 0.momentumBuffer'],
      ['an unknown parameter', ({ state }) => state.set('7.expAvg', zeros([1])), 'unexpected: 7.expAvg'],
      ['an unknown option', ({ groups }) => Object.assign(groups[1], { amsgrad: true }), 'does not have: amsgrad'],
      ['a missing option', ({ groups }) => delete groups[1].eps, 'group 1 lacks the options eps'],
      ['an impossible option', ({ groups }) => Object.assign(groups[1], { lr: null }), 'saved group 1: lr is null'],
      ['a wrong initialLr', ({ groups }) => Object.assign(groups[1], { initialLr: 'x' }), 'initialLr of group 1'],
    ];
  it.each(damage)('%s is an error that changes nothing', (_, change, message) => {
    const { state, groups } = trained().stateDict();
    const saved = { state: new Map(state), groups: structuredClone(groups) as unknown as Record<string, unknown>[] };
    change(saved);
    const optimizer = fresh();
    optimizer.step();
    const before = optimizer.stateDict();
    expect(errorOf(() => optimizer.loadStateDict(saved as unknown as OptimizerState)).message).toContain(message);
    const after = optimizer.stateDict();
    expect(after.groups).toEqual(before.groups);
    expect(after.state.get('0.expAvg')?.itemSync()).toBe(before.state.get('0.expAvg')?.itemSync());
  });

  it('of another optimizer, or nothing at all, is an error', () => {
    const saved = trained().stateDict();
    const other = new RMSprop([{ params: [parameter(1), parameter(5)] }, { params: [parameter(2)] }]);
    expect(errorOf(() => other.loadStateDict(saved)).code).toBe('OPTIMIZER_STATE_MISMATCH');
    expect(errorOf(() => other.loadStateDict({} as OptimizerState)).code).toBe('OPTIMIZER_STATE_MISMATCH');
    expect(errorOf(() => other.loadStateDict(null as unknown as OptimizerState)).code).toBe('OPTIMIZER_STATE_MISMATCH');
  });
});
