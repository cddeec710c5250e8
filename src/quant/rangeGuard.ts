/**
 * The guard of quantizer ranges. A learning rate that suits float training moves a small range by many times its own
 * size in a single step, after which the model is useless (nncf issue 780). The guard compares the ranges before and
 * after each step of an optimizer and says so, once for each quantizer.
 *
 * Where tensors lie in the host's memory it looks at every step: ranges are a few thousand numbers. A GPU would have to
 * finish its work first, so there it looks at steps 1, 2, 4, ... 512 and then at every 512th, and does not wait.
 */
import type { ParameterUpdate, UpdateObserver } from '../optim/updateObserver.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Quantizer } from './quantizer.js';

/** A range that one step of an optimizer moved by more than its size. */
export interface RangeWarning {
  /** Name of the quantizer. */
  readonly quantizer: string;
  /** By how much the step moved the range, in the units of the quantized values; not finite if it left the numbers. */
  readonly step: number;
  /** Size of the range before: the scale of a symmetric quantizer, the width of an asymmetric one. */
  readonly range: number;
  /** The channel with the largest step relative to its range; null for a quantizer with one range. */
  readonly channel: number | null;
  /** Learning rate of the step. */
  readonly learningRate: number;
}

/** `warn`: `console.warn`. `off`: no guard. A function gets the quantizers for which a step warns for the first time. */
export type RangeGuardMode = 'warn' | 'off' | ((warnings: readonly RangeWarning[]) => void);

/** The values of a quantizer's parameters. */
type Snapshot = readonly ArrayLike<number>[];

interface Watched {
  readonly quantizer: Quantizer;
  readonly parameters: readonly Tensor[];
}

/** On a GPU, steps between looks from then on. */
const LONGEST_INTERVAL = 512;

/** Keeps an empty range from being zero, as quantizers do. */
const EPSILON = 1e-16;

export class RangeGuard implements UpdateObserver {
  mode: RangeGuardMode = 'warn';
  readonly #watched = new Map<Tensor, Watched>();
  #steps = 0;

  /** The parameters to observe. */
  constructor(quantizers: readonly Quantizer[]) {
    for (const quantizer of quantizers) {
      const watched: Watched = { quantizer, parameters: quantizer.parameters };
      for (const parameter of watched.parameters)
        if (!this.#watched.has(parameter)) this.#watched.set(parameter, watched);
    }
  }

  get parameters(): Tensor[] {
    return [...this.#watched.keys()];
  }

  beforeUpdate(updates: readonly ParameterUpdate[]): (() => void) | null {
    if (this.mode === 'off') return null;
    this.#steps++;
    const rates = new Map<Watched, number>();
    for (const { parameter, learningRate } of updates) {
      const watched = this.#watched.get(parameter);
      if (watched) rates.set(watched, learningRate);
    }
    if (rates.size === 0) return null;
    const now = [...rates.keys()].every(({ parameters }) => parameters[0].backend.inHostMemory);
    if (now) {
      const before = [...rates.keys()].map(({ parameters }) => parameters.map((parameter) => parameter.dataSync()));
      return () => this.#report([...rates], before, [...rates.keys()].map(valuesNow));
    }
    if (!isDue(this.#steps)) return null;
    const before = read([...rates.keys()]);
    return () => {
      const after = read([...rates.keys()]);
      // A backend that was lost in the meantime says so at the next call of the user's.
      Promise.all([before, after]).then(
        ([old, values]) => this.#report([...rates], old, values),
        () => {},
      );
    };
  }

  #report(rates: readonly [Watched, number][], before: readonly Snapshot[], after: readonly Snapshot[]): void {
    const warnings = rates.flatMap(([watched, learningRate], index) => {
      const worst = largestStep(before[index], after[index]);
      if (worst.relative <= 1) return [];
      for (const parameter of watched.parameters) this.#watched.delete(parameter);
      const { step, range, channel } = worst;
      return [{ quantizer: watched.quantizer.name, step, range, channel, learningRate }];
    });
    if (warnings.length === 0 || this.mode === 'off') return;
    // biome-ignore lint/suspicious/noConsole: a training loop that knows nothing of the guard has nowhere else to look.
    if (this.mode === 'warn') console.warn(rangeWarningText(warnings));
    else this.mode(warnings);
  }
}

const isDue = (step: number): boolean =>
  step % LONGEST_INTERVAL === 0 || (step < LONGEST_INTERVAL && Number.isInteger(Math.log2(step)));

const valuesNow = ({ parameters }: Watched): Snapshot =>
  parameters.map(({ backend, storage }) => backend.readSync(storage));

/** Reads without waiting. The tensors keep the values of this moment, whatever the parameters get next. */
function read(list: readonly Watched[]): Promise<Snapshot[]> {
  const kept = list.map(({ parameters }) => parameters.map((parameter) => parameter.detach()));
  return Promise.all(kept.map((tensors) => Promise.all(tensors.map((tensor) => tensor.data()))));
}

/** The step that is the largest in relation to its range. The last parameter of a quantizer is the size of its range. */
function largestStep(
  before: Snapshot,
  after: Snapshot,
): { relative: number; step: number; range: number; channel: number | null } {
  const sizes = before[before.length - 1];
  let worst = { relative: 0, step: 0, range: 0, channel: null as number | null };
  for (let channel = 0; channel < sizes.length; channel++) {
    const range = Math.abs(sizes[channel]) + EPSILON;
    for (let index = 0; index < before.length; index++) {
      const step = Math.abs(after[index][channel] - before[index][channel]);
      const relative = Number.isFinite(step) ? step / range : Infinity;
      if (relative > worst.relative) worst = { relative, step, range, channel: sizes.length > 1 ? channel : null };
    }
  }
  return worst;
}

const digits = (value: number): string => (Number.isFinite(value) ? value.toPrecision(3) : 'more than any number');

/** Most quantizers that a text names; the rest is a number. */
const NAMED = 5;

/** What `console.warn` shows: the worst first. */
export function rangeWarningText(warnings: readonly RangeWarning[]): string {
  const share = ({ step, range }: RangeWarning): number => (Number.isFinite(step) ? step / range : Infinity);
  const worst = [...warnings].sort((a, b) => (share(a) === share(b) ? 0 : share(b) - share(a))).slice(0, NAMED);
  const lines = worst.map(
    ({ quantizer, step, range, channel, learningRate }) =>
      `  ${quantizer}${channel === null ? '' : ` (channel ${channel})`}: moved by ${digits(step)}, its range was ${digits(range)} (learning rate ${learningRate})`,
  );
  return [
    `quantgrad: one optimizer step moved the range of ${warnings.length === 1 ? 'a quantizer' : `${warnings.length} quantizers`} by more than its size. The learning rate is too high to fine-tune a quantized model:`,
    ...lines,
    ...(warnings.length > NAMED ? [`  and ${warnings.length - NAMED} more`] : []),
    'Use a lower one (1e-5 to 1e-4 is usual), give the ranges one of their own: ' +
      '[{ params: model.weightParameters() }, { params: model.rangeParameters(), lr: 1e-5 }], or keep them as they are: model.disableGradients(). ' +
      "Each quantizer is counted once; model.rangeGuard = 'off' switches this off.",
  ].join('\n');
}
