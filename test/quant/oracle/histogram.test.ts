/** Ranges from histograms, against NNCF's HistogramAggregator on the same values. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { HistogramCollector } from '../../../src/quant/statistics/histogram.js';
import { samplesOf } from './values.js';

const { samples, count, kinds } = JSON.parse(
  readFileSync(new URL('./fixtures/histogram.json', import.meta.url), 'utf8'),
) as {
  readonly samples: number;
  readonly count: number;
  readonly kinds: readonly { readonly kind: string; readonly min: number; readonly max: number }[];
};

const rangeOf = (kind: string): { min: number; max: number } => {
  const collector = new HistogramCollector();
  for (const values of samplesOf(kind, samples, count)) collector.add(values);
  const { min, max } = collector.result() ?? { min: [Number.NaN], max: [Number.NaN] };
  return { min: min[0], max: max[0] };
};

it.each(kinds.filter(({ kind }) => kind !== 'tiny').map(({ kind, min, max }) => [kind, min, max] as const))(
  '%s',
  (kind, min, max) => {
    const own = rangeOf(kind);
    const scale = Math.max(Math.abs(min), Math.abs(max), 1e-30);
    expect(Math.abs(own.min - min) / scale).toBeLessThan(1e-5);
    expect(Math.abs(own.max - max) / scale).toBeLessThan(1e-5);
  },
);

it('values whose cubes are no float32 keep a range, where NNCF’s is lost', () => {
  const theirs = kinds.find(({ kind }) => kind === 'tiny');
  expect((theirs?.max ?? 1) - (theirs?.min ?? 0)).toBeLessThan(1e-22);
  const { min, max } = rangeOf('tiny');
  expect(min).toBeLessThan(-1e-20);
  expect(max).toBeGreaterThan(1e-20);
});

it('passes over empty samples, and knows nothing without values', () => {
  const collector = new HistogramCollector();
  collector.add(new Float32Array());
  expect(collector.result()).toBeNull();
});
