/** The curves of training. They grow several times a second, so they are no part of the state: a plot reads them when it draws. */
import type { CurvePoint } from '../../protocol.js';

/** Columns for a plot: epochs, then a value or null for each line. Fine-tuning is drawn behind the training. */
export interface CurveColumns {
  readonly epochs: readonly number[];
  readonly floatLoss: readonly (number | null)[];
  readonly fineTuneLoss: readonly (number | null)[];
  readonly floatAccuracy: readonly (number | null)[];
  readonly quantizedAccuracy: readonly (number | null)[];
  readonly fineTuneAccuracy: readonly (number | null)[];
}

export class Curves {
  #points: CurvePoint[] = [];
  readonly #listeners = new Set<() => void>();

  get points(): readonly CurvePoint[] {
    return this.#points;
  }

  replace(points: readonly CurvePoint[]): void {
    this.#points = [...points];
    this.#tell();
  }

  add(points: readonly CurvePoint[]): void {
    this.#points.push(...points);
    this.#tell();
  }

  /** A network quantized anew has not been fine-tuned. */
  dropFineTuning(): void {
    this.replace(this.#points.filter(({ phase }) => phase === 'float'));
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** @param quantized Accuracy of the quantized network, or null: a level line from the end of the training on. */
export function toColumns(points: readonly CurvePoint[], quantized: number | null): CurveColumns {
  const byEpoch = (a: CurvePoint, b: CurvePoint): number => a.epoch - b.epoch;
  const float = points.filter(({ phase }) => phase === 'float').sort(byEpoch);
  const tuned = points.filter(({ phase }) => phase === 'fineTune').sort(byEpoch);
  const floatEnd = float.at(-1)?.epoch ?? 0;
  // The level line begins where the training ended, also where there is no other point.
  const joint = quantized === null ? [] : [floatEnd];
  const end = joint.length > 0 && tuned.length === 0 ? [floatEnd + Math.max(1, floatEnd / 10)] : [];
  const nothing = <Item>(items: readonly Item[]): null[] => items.map(() => null);
  const before = nothing(float);
  const extra = [...nothing(joint), ...nothing(end)];
  return {
    epochs: [...float.map(({ epoch }) => epoch), ...joint, ...end, ...tuned.map(({ epoch }) => floatEnd + epoch)],
    floatLoss: [...float.map(({ loss }) => loss), ...extra, ...nothing(tuned)],
    fineTuneLoss: [...before, ...extra, ...tuned.map(({ loss }) => loss)],
    floatAccuracy: [...float.map(({ accuracy }) => accuracy), ...extra, ...nothing(tuned)],
    quantizedAccuracy: [...before, ...[...joint, ...end, ...tuned].map(() => quantized)],
    fineTuneAccuracy: [...before, ...extra, ...tuned.map(({ accuracy }) => accuracy)],
  };
}
