/** Wrong options, wrong states, and what schedulers do around their steps. */
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/errors.js';
import {
  CosineAnnealingLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  ReduceLROnPlateau,
  type SchedulerState,
  SequentialLR,
  SGD,
  StepLR,
} from '../../../src/optim/index.js';
import { zeros } from '../../../src/tensor/create.js';

const make = (lr = 0.1): SGD => new SGD([zeros([1], { requiresGrad: true })], { lr });

describe('wrong options', () => {
  it.each<[string, () => unknown, string]>([
    ['no optimizer', () => new StepLR({} as never, { stepSize: 1 }), 'must be an optimizer'],
    ['no options', () => new StepLR(make(), undefined as never), 'stepSize is undefined'],
    ['stepSize', () => new StepLR(make(), { stepSize: 0 }), 'stepSize is 0; it must be a whole number of at least 1'],
    ['no sequence', () => new SequentialLR(make(), undefined as never), 'at least one scheduler'],
    ['unknown', () => new StepLR(make(), { stepSize: 1, step: 2 } as never), "no option 'step'"],
    ['gamma', () => new ExponentialLR(make(), { gamma: Number.NaN }), 'gamma is NaN'],
    ['milestones', () => new MultiStepLR(make(), { milestones: 3 as never }), 'milestones is 3'],
    ['milestone', () => new MultiStepLR(make(), { milestones: [1, 1.5] }), 'milestones[1] is 1.5'],
    ['tMax', () => new CosineAnnealingLR(make(), { tMax: 0 }), 'tMax is 0'],
    ['startFactor', () => new LinearLR(make(), { startFactor: 0 }), 'startFactor is 0'],
    ['endFactor', () => new LinearLR(make(), { endFactor: 2 }), 'endFactor is 2'],
    ['lrLambda', () => new LambdaLR(make(), { lrLambda: [] }), 'array of 1 of them'],
    ['total', () => new OneCycleLR(make(), { maxLr: 1, epochs: 3 }), 'give totalSteps, or epochs and stepsPerEpoch'],
    ['maxLr', () => new OneCycleLR(make(), { maxLr: [1, 2], totalSteps: 3 }), 'maxLr is 1,2'],
    ['pctStart', () => new OneCycleLR(make(), { maxLr: 1, totalSteps: 3, pctStart: 2 }), 'pctStart is 2'],
    [
      'strategy',
      () => new OneCycleLR(make(), { maxLr: 1, totalSteps: 3, annealStrategy: 'x' as never }),
      "one of 'cos', 'linear'",
    ],
    ['factor', () => new ReduceLROnPlateau(make(), { factor: 1 }), 'factor is 1'],
    ['mode', () => new ReduceLROnPlateau(make(), { mode: 'low' as never }), 'mode is low'],
    ['metric', () => new ReduceLROnPlateau(make()).step(zeros([]) as never), 'read a tensor with await'],
  ])('%s', (_, body, message) => {
    expect(body).toThrow(ValidationError);
    expect(body).toThrow(message);
  });

  it('a sequence of schedulers that do not belong together', () => {
    const optimizer = make();
    const schedulers = [new StepLR(optimizer, { stepSize: 1 }), new ExponentialLR(optimizer, { gamma: 1 })];
    expect(() => new SequentialLR(optimizer, { schedulers, milestones: [] })).toThrow('it must be 1 steps');
    expect(() => new SequentialLR(optimizer, { schedulers: [], milestones: [] })).toThrow('at least one scheduler');
    expect(() => new SequentialLR(make(), { schedulers, milestones: [2] })).toThrow('schedulers[0]');
    const three = [...schedulers, new StepLR(optimizer, { stepSize: 1 })];
    expect(() => new SequentialLR(optimizer, { schedulers: three, milestones: [5, 2] })).toThrow('that do not fall');
  });
});

describe('steps', () => {
  it('a one-cycle schedule ends with an error rather than a made-up rate', () => {
    const scheduler = new OneCycleLR(make(), { maxLr: 1, totalSteps: 3 });
    for (let step = 0; step < 3; step++) scheduler.step();
    expect(() => scheduler.step()).toThrow('step 4 is beyond the 3 steps of the cycle');
    expect(scheduler.lastEpoch).toBe(3);
  });

  it('a phase without length gives a rate', () => {
    // PyTorch divides by zero here: the rising phase ends at step 0.
    const optimizer = make();
    const scheduler = new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10, pctStart: 0.1 });
    expect(optimizer.paramGroups[0].lr).toBe(1);
    scheduler.step();
    expect(optimizer.paramGroups[0].lr).toBeLessThan(1);
  });

  it('a rate that the user changes stays changed', () => {
    const optimizer = make(1);
    const scheduler = new ExponentialLR(optimizer, { gamma: 0.5 });
    optimizer.paramGroups[0].lr = 8;
    scheduler.step();
    expect(scheduler.lastLr()).toEqual([4]);
  });

  it('a group that was added afterwards is an error', () => {
    const optimizer = make();
    const scheduler = new StepLR(optimizer, { stepSize: 1 });
    optimizer.addParamGroup({ params: [zeros([1], { requiresGrad: true })] });
    expect(() => scheduler.step()).toThrow('addParamGroup');
  });

  it('a factor that is not a number is an error', () => {
    const scheduler = new LambdaLR(make(), { lrLambda: (epoch) => (epoch === 1 ? Number.NaN : 1) });
    expect(() => scheduler.step()).toThrow('lrLambda gave NaN at step 1');
  });
});

describe('together with the optimizer’s state', () => {
  const build = () => {
    const optimizer = make(1);
    const warmup = new LinearLR(optimizer, { startFactor: 0.5, totalIters: 4 });
    const decay = new ExponentialLR(optimizer, { gamma: 0.9 });
    return { optimizer, warmup, decay };
  };
  const trained = build();
  for (let step = 0; step < 3; step++) {
    trained.warmup.step();
    trained.decay.step();
  }
  const rate = () => trained.optimizer.paramGroups[0].lr;
  type Part = 'optimizer' | 'warmup' | 'decay';
  const orders: Part[][] = [
    ['optimizer', 'warmup', 'decay'],
    ['decay', 'warmup', 'optimizer'],
    ['warmup', 'optimizer', 'decay'],
  ];

  it.each(orders)('the rates are those that were saved when loaded in the order %s, %s, %s', (...order: Part[]) => {
    const restored = build();
    for (const part of order) restored[part].loadStateDict(trained[part].stateDict() as never);
    expect(restored.optimizer.paramGroups[0].lr).toBe(rate());
    const again = build();
    for (let step = 0; step < 3; step++) {
      again.warmup.step();
      again.decay.step();
    }
    for (const { warmup, decay } of [restored, again]) {
      warmup.step();
      decay.step();
    }
    expect(restored.optimizer.paramGroups[0].lr).toBe(again.optimizer.paramGroups[0].lr);
  });

  it('a rate set by hand is part of the optimizer’s state and survives the scheduler’s', () => {
    for (const kind of ['decay', 'plateau'] as const) {
      const pair = () => {
        const optimizer = make(1);
        return {
          optimizer,
          scheduler: kind === 'decay' ? new ExponentialLR(optimizer, { gamma: 0.5 }) : new ReduceLROnPlateau(optimizer),
        };
      };
      const first = pair();
      first.scheduler.step(1);
      first.optimizer.paramGroups[0].lr = 0.123;
      const second = pair();
      second.optimizer.loadStateDict(first.optimizer.stateDict());
      second.scheduler.loadStateDict(first.scheduler.stateDict());
      expect(second.optimizer.paramGroups[0].lr).toBe(0.123);
    }
  });
});

describe('wrong states', () => {
  const damaged = (change: object): SchedulerState => {
    const optimizer = make(0.7);
    return { ...new StepLR(optimizer, { stepSize: 4 }).stateDict(), ...change };
  };
  it.each<[string, SchedulerState, string]>([
    ['another class', new ExponentialLR(make(), { gamma: 1 }).stateDict(), 'the state of ExponentialLR'],
    ['nothing', null as never, 'something else'],
    ['lastEpoch', damaged({ lastEpoch: 1.5 }), 'lastEpoch is 1.5'],
    ['groups', damaged({ lastLr: [1, 2] }), 'for 2 parameter groups'],
    ['baseLrs', damaged({ baseLrs: [] }), 'baseLrs'],
    ['no options', damaged({ options: null }), 'it has no options'],
    ['an unknown option', damaged({ options: { size: 3 } }), "no option 'size'"],
    ['an impossible option', damaged({ options: { stepSize: 0 } }), 'stepSize is 0'],
  ])('%s', (_, state, message) => {
    const optimizer = make();
    const scheduler = new StepLR(optimizer, { stepSize: 2 });
    const before = scheduler.stateDict();
    expect(() => scheduler.loadStateDict(state)).toThrow(ValidationError);
    expect(() => scheduler.loadStateDict(state)).toThrow(message);
    expect(scheduler.stateDict()).toEqual(before);
    expect(optimizer.paramGroups[0].lr).toBe(0.1);
  });

  it('a sequence with one wrong part is left as it was', () => {
    const sequence = (gamma: number) => {
      const optimizer = make();
      const schedulers = [new LinearLR(optimizer, { totalIters: 2 }), new ExponentialLR(optimizer, { gamma })];
      return new SequentialLR(optimizer, { schedulers, milestones: [2] });
    };
    const other = sequence(0.5);
    for (let step = 0; step < 4; step++) other.step();
    const state = structuredClone(other.stateDict()) as unknown as { schedulers: { options: object }[] };
    state.schedulers[1].options = { gamma: 'x' };
    const scheduler = sequence(0.9);
    const before = scheduler.stateDict();
    expect(() => scheduler.loadStateDict(state as unknown as SchedulerState)).toThrow('gamma is x');
    expect(scheduler.stateDict()).toEqual(before);
    expect(scheduler.optimizer.paramGroups[0].lr).toBeCloseTo(0.1 / 3, 12);
  });

  it('a saved state brings its options, as in PyTorch', () => {
    const scheduler = new StepLR(make(), { stepSize: 2 });
    scheduler.loadStateDict(new StepLR(make(1), { stepSize: 1, gamma: 0.5 }).stateDict());
    expect(scheduler.lastLr()).toEqual([1]);
    scheduler.step();
    expect(scheduler.lastLr()).toEqual([0.05]);
  });

  it('a plateau schedule rejects damaged states', () => {
    const scheduler = new ReduceLROnPlateau(make());
    const state = scheduler.stateDict();
    for (const change of [
      { type: 'StepLR' },
      { best: 'x' },
      { badEpochs: -1 },
      { lastLr: [] },
      { options: null },
      { options: { patience: -1 } },
    ]) {
      expect(() => scheduler.loadStateDict({ ...state, ...change })).toThrow(ValidationError);
    }
    expect(scheduler.stateDict()).toEqual(state);
  });
});
