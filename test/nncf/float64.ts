/**
 * Ranges of channels against float64: whether what two libraries computed in float32 differs because one of them computes
 * something else, or because each rounds its sums in its own order.
 */
import type { ModelDescription } from './description.js';
import type { Results } from './results.js';

/** This library's mean distance from float64 may be this many times NNCF's. */
const BOUND = 1.5;

interface Distance {
  readonly largest: number;
  readonly mean: number;
}

/** How far upper ends are from the exact ones, relative to these. */
function distance(model: ModelDescription, exact: Readonly<Record<string, readonly number[]>>): Distance {
  const distances = model.quantizers.flatMap(({ name, high }) =>
    (exact[name] ?? []).map((value, channel) => Math.abs(high[channel] - value) / value),
  );
  return {
    largest: Math.max(...distances),
    mean: distances.reduce((sum, value) => sum + value, 0) / distances.length,
  };
}

/** @param exact Upper ends of the ranges of channels, by the name of the quantizer. */
export function compareWithFloat64(
  results: Results,
  place: string,
  own: ModelDescription,
  theirs: ModelDescription,
  exact: Readonly<Record<string, readonly number[]>>,
): void {
  const [ours, other] = [distance(own, exact), distance(theirs, exact)];
  const show = ({ mean, largest }: Distance): string =>
    `${mean.toExponential(1)} (largest ${largest.toExponential(1)})`;
  const result = `${show(ours)}; NNCF ${show(other)}`;
  const what = `Mean distance of ranges per channel from those in float64, ${place}`;
  results.check(what, ours.mean <= BOUND * other.mean ? [] : [result]);
  results.note({ what, bound: `${BOUND} times NNCF's`, result });
}
