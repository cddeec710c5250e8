/** OneCycleLR: the rate rises to its highest value and falls far below where it began; the momentum moves the other way. */
import { ValidationError } from '../../errors.js';
import {
  requireBoolean,
  requireFraction,
  requireInteger,
  requireOneOf,
  requirePerGroup,
  requirePositive,
} from '../checks.js';
import type { Optimizer } from '../optimizer.js';
import { StepwiseScheduler } from './scheduler.js';

export interface OneCycleLROptions {
  /** Highest rate, one for all groups or one for each. */
  maxLr: number | readonly number[];
  /** Number of optimizer steps in the cycle. Instead of it: `epochs` and `stepsPerEpoch`. */
  totalSteps?: number | null;
  epochs?: number | null;
  stepsPerEpoch?: number | null;
  /** Share of the cycle in which the rate rises, in [0, 1]. Default: 0.3. */
  pctStart?: number;
  /** Form of the way up and down. Default: `cos`. */
  annealStrategy?: 'cos' | 'linear';
  /** Moves `momentum` (or the first of `betas`) opposite to the rate. Default: true. */
  cycleMomentum?: boolean;
  /** Momentum at the highest rate, one for all groups or one for each. Default: 0.85. */
  baseMomentum?: number | readonly number[];
  /** Momentum at the first and at the last rate. Default: 0.95. */
  maxMomentum?: number | readonly number[];
  /** The first rate is `maxLr / divFactor`. Default: 25. */
  divFactor?: number;
  /** The last rate is the first one divided by `finalDivFactor`. Default: 10000. */
  finalDivFactor?: number;
  /** Return to the first rate before falling to the last one. Default: false. */
  threePhase?: boolean;
}

type Options = Required<OneCycleLROptions>;

const DEFAULTS = {
  maxLr: undefined,
  totalSteps: null,
  epochs: null,
  stepsPerEpoch: null,
  pctStart: 0.3,
  annealStrategy: 'cos' as const,
  cycleMomentum: true,
  baseMomentum: 0.85,
  maxMomentum: 0.95,
  divFactor: 25,
  finalDivFactor: 1e4,
  threePhase: false,
};

/** Where a phase of the cycle ends, and between which values it goes. */
interface Phase {
  readonly endStep: number;
  readonly lr: readonly ['initial' | 'max' | 'min', 'initial' | 'max' | 'min'];
  readonly momentum: readonly ['base' | 'max', 'base' | 'max'];
}

const forGroup = (value: number | readonly number[], index: number): number =>
  typeof value === 'number' ? value : value[index];

const totalSteps = ({ totalSteps: total, epochs, stepsPerEpoch }: Options): number =>
  total ?? Number(epochs) * Number(stepsPerEpoch);

function phases(options: Options): Phase[] {
  const { pctStart, threePhase } = options;
  const total = totalSteps(options);
  const rise: Phase = { endStep: pctStart * total - 1, lr: ['initial', 'max'], momentum: ['max', 'base'] };
  const endStep = total - 1;
  if (!threePhase) return [rise, { endStep, lr: ['max', 'min'], momentum: ['base', 'max'] }];
  return [
    rise,
    { endStep: 2 * pctStart * total - 2, lr: ['max', 'initial'], momentum: ['base', 'max'] },
    { endStep, lr: ['initial', 'min'], momentum: ['max', 'max'] },
  ];
}

/** The phase of a step, and how much of it has passed. */
function phaseAt(options: Options, epoch: number): { phase: Phase; progress: number } {
  const all = phases(options);
  const found = all.findIndex(({ endStep }) => epoch <= endStep);
  const index = found < 0 ? all.length - 1 : found;
  const start = index === 0 ? 0 : all[index - 1].endStep;
  const length = all[index].endStep - start;
  // A phase without length is at its end at once; dividing by it would give a rate that is not a number.
  return { phase: all[index], progress: length === 0 ? 1 : (epoch - start) / length };
}

function anneal({ annealStrategy }: Options, from: number, to: number, progress: number): number {
  if (annealStrategy === 'linear') return (to - from) * progress + from;
  return to + ((from - to) / 2) * (Math.cos(Math.PI * progress) + 1);
}

/**
 * PyTorch's OneCycleLR; call `step()` after every batch.
 * Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018.
 */
export class OneCycleLR extends StepwiseScheduler<Options> {
  constructor(optimizer: Optimizer, options: OneCycleLROptions) {
    super('OneCycleLR', optimizer, options, DEFAULTS);
  }

  protected check(options: Options): void {
    const { type } = this;
    if (options.totalSteps === null && (options.epochs === null || options.stepsPerEpoch === null)) {
      throw new ValidationError('INVALID_OPTION', `${type}: give totalSteps, or epochs and stepsPerEpoch.`);
    }
    for (const name of ['totalSteps', 'epochs', 'stepsPerEpoch'] as const) {
      if (options[name] !== null) requireInteger(type, name, options[name], 1);
    }
    requirePerGroup(type, 'maxLr', options.maxLr, this.groups.length, requirePositive);
    requirePerGroup(type, 'baseMomentum', options.baseMomentum, this.groups.length, requireFraction);
    requirePerGroup(type, 'maxMomentum', options.maxMomentum, this.groups.length, requireFraction);
    requireFraction(type, 'pctStart', options.pctStart);
    requireOneOf(type, 'annealStrategy', options.annealStrategy, ['cos', 'linear']);
    requirePositive(type, 'divFactor', options.divFactor);
    requirePositive(type, 'finalDivFactor', options.finalDivFactor);
    requireBoolean(type, 'threePhase', options.threePhase);
    requireBoolean(type, 'cycleMomentum', options.cycleMomentum);
    if (
      options.cycleMomentum &&
      this.groups.some((group) => group.momentum === undefined && group.betas === undefined)
    ) {
      throw new ValidationError(
        'INVALID_OPTION',
        `${type}: ${this.optimizer.name} has neither momentum nor betas; set cycleMomentum to false.`,
      );
    }
  }

  protected override prepareGroups(): void {
    this.groups.forEach((group, index) => {
      group.initialLr = forGroup(this.options.maxLr, index) / this.options.divFactor;
    });
  }

  protected rate(_current: number, base: number, epoch: number, index: number): number {
    const total = totalSteps(this.options);
    if (epoch > total) {
      throw new ValidationError(
        'SCHEDULE_FINISHED',
        `${this.type}: step ${epoch} is beyond the ${total} steps of the cycle. Give the number of batches of all epochs as totalSteps.`,
        { step: epoch, totalSteps: total },
      );
    }
    const { phase, progress } = phaseAt(this.options, epoch);
    const values = { initial: base, max: forGroup(this.options.maxLr, index), min: base / this.options.finalDivFactor };
    return anneal(this.options, values[phase.lr[0]], values[phase.lr[1]], progress);
  }

  protected override afterStep(): void {
    if (!this.options.cycleMomentum) return;
    const { phase, progress } = phaseAt(this.options, this.epoch);
    this.groups.forEach((group, index) => {
      const values = {
        base: forGroup(this.options.baseMomentum, index),
        max: forGroup(this.options.maxMomentum, index),
      };
      const momentum = anneal(this.options, values[phase.momentum[0]], values[phase.momentum[1]], progress);
      if (group.betas) group.betas = [momentum, group.betas[1]];
      else group.momentum = momentum;
    });
  }
}
