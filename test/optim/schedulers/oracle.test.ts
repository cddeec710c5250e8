/** Every schedule against PyTorch, over 50 steps: rates and momenta of two groups. */
import { describe, expect, it } from 'vitest';
import {
  Adam,
  CosineAnnealingLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  type Optimizer,
  ReduceLROnPlateau,
  type SchedulerState,
  SequentialLR,
  SGD,
  StepLR,
} from '../../../src/optim/index.js';
import { zeros } from '../../../src/tensor/create.js';
import { camelOptions, difference, readVectors, type SchedulerVectors } from '../oracle/vectors.js';

const { cases, metrics } = readVectors<SchedulerVectors>('schedulers');

/** What a test needs of any scheduler. */
interface Steps {
  step(index: number): void;
  save(): unknown;
  load(state: never): void;
}

type Plain = { step(): void; stateDict(): SchedulerState; loadStateDict(state: SchedulerState): void };
const plain = (scheduler: Plain): Steps => ({
  step: () => scheduler.step(),
  save: () => scheduler.stateDict(),
  load: (state) => scheduler.loadStateDict(state),
});

const MAKERS: Readonly<Record<string, (optimizer: Optimizer, options: never) => Steps>> = {
  StepLR: (optimizer, options) => plain(new StepLR(optimizer, options)),
  MultiStepLR: (optimizer, options) => plain(new MultiStepLR(optimizer, options)),
  ExponentialLR: (optimizer, options) => plain(new ExponentialLR(optimizer, options)),
  CosineAnnealingLR: (optimizer, options) => plain(new CosineAnnealingLR(optimizer, options)),
  LinearLR: (optimizer, options) => plain(new LinearLR(optimizer, options)),
  OneCycleLR: (optimizer, options) => plain(new OneCycleLR(optimizer, options)),
  lambda: (optimizer) =>
    plain(new LambdaLR(optimizer, { lrLambda: [(epoch) => 1 / (1 + epoch), (epoch) => 1 + epoch / 4] })),
  sequence: (optimizer) => {
    const warmup = new LinearLR(optimizer, { startFactor: 0.1, totalIters: 8 });
    const cosine = new CosineAnnealingLR(optimizer, { tMax: 20, etaMin: 0.002 });
    const decay = new ExponentialLR(optimizer, { gamma: 0.9 });
    return plain(new SequentialLR(optimizer, { schedulers: [warmup, cosine, decay], milestones: [8, 31] }));
  },
  chain: (optimizer) => {
    const all = [
      new LinearLR(optimizer, { startFactor: 0.2, totalIters: 10 }),
      new StepLR(optimizer, { stepSize: 9 }),
      new CosineAnnealingLR(optimizer, { tMax: 40 }),
    ];
    return {
      step: () => {
        for (const each of all) each.step();
      },
      save: () => all.map((each) => each.stateDict()),
      load: (states: SchedulerState[]) => {
        for (const [index, each] of all.entries()) each.loadStateDict(states[index]);
      },
    };
  },
  ReduceLROnPlateau: (optimizer, options) => {
    const scheduler = new ReduceLROnPlateau(optimizer, options);
    return {
      step: (index) => scheduler.step(metrics[index]),
      save: () => scheduler.stateDict(),
      load: (state) => scheduler.loadStateDict(state),
    };
  },
};

function makeOptimizer(name: string): Optimizer {
  const parameters = [zeros([1], { requiresGrad: true }), zeros([1], { requiresGrad: true })];
  const groups = [{ params: parameters.slice(0, 1) }, { params: parameters.slice(1), lr: 0.03 }];
  return name === 'SGD' ? new SGD(groups, { lr: 0.1, momentum: 0.5 }) : new Adam(groups, { lr: 0.1 });
}

interface MomentumGroup {
  lr: number;
  momentum?: number;
  betas?: readonly [number, number];
}

const row = (optimizer: Optimizer): [number[], number[]] => {
  const groups: readonly MomentumGroup[] = optimizer.paramGroups;
  return [groups.map(({ lr }) => lr), groups.map(({ betas, momentum }) => betas?.[0] ?? momentum ?? Number.NaN)];
};

const titled = cases.map(
  (each) => [`${each.name} on ${each.optimizer}: ${JSON.stringify(each.options)}`, each] as const,
);

describe('schedules', () => {
  it('every schedule has a case', () => {
    expect(new Set(cases.map(({ name }) => name))).toEqual(new Set(Object.keys(MAKERS)));
  });

  it.each(titled)('%s agrees with PyTorch', (_, { name, optimizer: optimizerName, options, rows }) => {
    const optimizer = makeOptimizer(optimizerName);
    const scheduler = MAKERS[name](optimizer, camelOptions(options) as never);
    rows.forEach(([rates, momenta], index) => {
      if (index > 0) scheduler.step(index);
      const [ownRates, ownMomenta] = row(optimizer);
      rates.forEach((rate, group) => {
        // Relative: rates become small.
        expect(Math.abs(ownRates[group] - rate)).toBeLessThanOrEqual(1e-12 * Math.abs(rate) + 1e-17);
      });
      expect(difference(ownMomenta, momenta)).toBeLessThan(1e-14);
    });
  });

  it.each(titled)('%s continues bit for bit from a saved state', (_, { name, optimizer: optimizerName, options }) => {
    const optimizer = makeOptimizer(optimizerName);
    const scheduler = MAKERS[name](optimizer, camelOptions(options) as never);
    for (const stop of [0, 1, 9, 33]) {
      const first = makeOptimizer(optimizerName);
      const before = MAKERS[name](first, camelOptions(options) as never);
      for (let index = 1; index <= stop; index++) before.step(index);
      const state = JSON.parse(JSON.stringify(before.save()));
      const second = makeOptimizer(optimizerName);
      const after = MAKERS[name](second, camelOptions(options) as never);
      after.load(state as never);
      second.loadStateDict(first.stateDict());
      expect(row(second)).toEqual(row(first));
      for (let index = stop + 1; index <= 50; index++) {
        before.step(index);
        after.step(index);
        expect(row(second)).toEqual(row(first));
      }
    }
    expect(scheduler.save()).toEqual(JSON.parse(JSON.stringify(scheduler.save())));
  });
});
