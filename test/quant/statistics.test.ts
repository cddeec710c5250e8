/** Statistics of calibration: closed forms, and independence of how samples are batched. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import { RANGE_ESTIMATORS, rangeEstimator } from '../../src/quant/rangeEstimator.js';
import { ChannelMeanCollector, channelMeans } from '../../src/quant/statistics/channelMeans.js';
import { type RangeCollector, requireFinite } from '../../src/quant/statistics/collector.js';
import { rangeCollector } from '../../src/quant/statistics/rangeCollector.js';
import { quantileOf } from '../../src/quant/statistics/reducers.js';
import { tensor } from '../../src/tensor/create.js';

/** What activations with one range have by default: means of the samples' ends. */
const meanMinMax = (batchwise: boolean, symmetric = false): RangeCollector =>
  rangeCollector(rangeEstimator({}, 'activations', false), { channelAxis: null, batchwise, symmetric });
/** What activations with a range for each channel have by default: the extremes. */
const channelMinMax = (channelAxis: number, batchwise = false): RangeCollector =>
  rangeCollector(rangeEstimator({}, 'activations', true), { channelAxis, batchwise, symmetric: false });

describe('means of ends', () => {
  it('takes the mean over images of each image’s ends', () => {
    const collector = meanMinMax(true);
    collector.add([-1, 2, 3, 10], [2, 2]);
    collector.add([0, 0], [1, 2]);
    const { min, max } = collector.result() ?? {};
    expect([min, max]).toEqual([[(-1 + 3 + 0) / 3], [(2 + 10 + 0) / 3]].map((v) => Float64Array.from(v)));
  });

  it('takes absolute values of a symmetric quantizer', () => {
    const collector = meanMinMax(true, true);
    collector.add([-4, 2, 3, 10], [2, 2]);
    const { min, max } = collector.result() ?? {};
    expect([min, max]).toEqual([[(-4 + 3) / 2], [(4 + 10) / 2]].map((v) => Float64Array.from(v)));
  });

  it('takes the ends of whole batches when asked to', () => {
    const collector = meanMinMax(false);
    collector.add([-1, 2, 3, 10], [2, 2]);
    expect(collector.result()?.min[0]).toBe(-1);
    expect(collector.result()?.max[0]).toBe(10);
  });

  it('takes a vector as one image', () => {
    const collector = meanMinMax(true);
    collector.add([1, 5, 3], [3]);
    expect(collector.result()?.min[0]).toBe(1);
    expect(collector.result()?.max[0]).toBe(5);
  });

  it('passes over empty tensors, and knows nothing without values', () => {
    const collector = meanMinMax(true);
    collector.add([], [0, 3]);
    collector.add([], [2, 0]);
    expect(collector.result()).toBeNull();
    collector.add([1, 2], [1, 2]);
    expect(collector.result()?.max[0]).toBe(2);
  });
});

describe('extremes of channels', () => {
  it('takes the extremes of each channel over all samples', () => {
    const collector = channelMinMax(1);
    collector.add([1, 2, -3, 4], [1, 2, 2]);
    collector.add([0, 5, 7, -1], [1, 2, 2]);
    const { min, max } = collector.result() ?? {};
    expect([...(min ?? [])]).toEqual([0, -3]);
    expect([...(max ?? [])]).toEqual([5, 7]);
  });

  it('reads any axis', () => {
    const values = [1, 2, 3, 4, 5, 6];
    const first = channelMinMax(0);
    first.add(values, [2, 3]);
    expect([...(first.result()?.max ?? [])]).toEqual([3, 6]);
    const last = channelMinMax(1);
    last.add(values, [2, 3]);
    expect([...(last.result()?.min ?? [])]).toEqual([1, 2, 3]);
  });
});

describe('channelMeans', () => {
  it('averages all axes but the channels, which are the last of a matrix', () => {
    expect([...channelMeans([1, 2, 3, 4], [2, 2], 1)]).toEqual([2, 3]);
    expect([...channelMeans([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2], 1)]).toEqual([3.5, 5.5]);
    expect([...channelMeans([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2], -1)]).toEqual([4, 5]);
  });
});

/** A value [images, channels, width] with its images split into batches. */
const batched = fc
  .record({
    images: fc.integer({ min: 1, max: 7 }),
    channels: fc.integer({ min: 1, max: 4 }),
    width: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ images, channels, width }) => {
    const size = images * channels * width;
    return fc.record({
      shape: fc.constant([images, channels, width]),
      values: fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: size, maxLength: size }),
      cuts: fc.uniqueArray(fc.integer({ min: 1, max: Math.max(1, images - 1) })),
    });
  });

describe('batches', () => {
  it('do not change the ranges, however the images are split', () => {
    fc.assert(
      fc.property(batched, ({ shape: [images, channels, width], values, cuts }) => {
        const ends = [...cuts.filter((cut) => cut < images).sort((a, b) => a - b), images];
        const size = channels * width;
        const collectors = () => [meanMinMax(true), channelMinMax(1), channelMinMax(1, true)] as const;
        const [one, split] = [collectors(), collectors()];
        for (let image = 0; image < images; image++)
          for (const collector of one)
            collector.add(values.slice(image * size, (image + 1) * size), [1, channels, width]);
        ends.forEach((end, index) => {
          const begin = index === 0 ? 0 : ends[index - 1];
          for (const collector of split)
            collector.add(values.slice(begin * size, end * size), [end - begin, channels, width]);
        });
        // Whole numbers add up exactly in any order.
        expect(split.map((collector) => collector.result())).toEqual(one.map((collector) => collector.result()));
      }),
    );
  });
});

describe('quantiles', () => {
  it('are those of the sorted values', () => {
    const values = fc.array(
      fc.oneof(fc.integer({ min: -5, max: 5 }), fc.float({ noNaN: true, noDefaultInfinity: true })),
      {
        minLength: 1,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const sorted = [...list].sort((a, b) => a - b);
        const position = q * (list.length - 1);
        const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
        const expected = below + (above - below) * (position - Math.floor(position));
        expect(quantileOf(Float64Array.from(list), q) + 0).toBeCloseTo(expected + 0, 10);
      }),
    );
  });

  it('lie outside of most values of a sample, for each channel', () => {
    const collector = rangeCollector(rangeEstimator({ ...RANGE_ESTIMATORS.meanQuantile }, 'activations', true), {
      ...{ channelAxis: 1, symmetric: true },
    });
    // 10,001 values from 0 to 1 and from 0 to -1: the quantiles are the second smallest and second largest.
    const values = Array.from({ length: 20_002 }, (_, index) =>
      index < 10_001 ? index / 1e4 : (10_001 - index) / 1e4,
    );
    collector.add(values, [1, 2, 10_001]);
    const { min, max } = collector.result() ?? { min: [], max: [] };
    expect([...min, ...max].map((value) => Math.round(value * 1e4))).toEqual([1, -9999, 9999, -1]);
  });
});

it('averages channel means over samples and remembers the first shape', () => {
  const collector = new ChannelMeanCollector(1);
  expect(collector.result()).toBeNull();
  collector.add([1, 3, 5, 7], [1, 2, 2]);
  collector.add([0, 0, 0, 0, 0, 0], [1, 2, 3]);
  expect([...(collector.result() ?? [])]).toEqual([1, 3]);
  expect(collector.shape).toEqual([1, 2, 2]);
});

it.each([Number.NaN, Infinity, -Infinity])('refuses %s', (value) => {
  const values = [1, value, 3];
  const check = () => requireFinite(values, tensor(values).shape, 'sample 3, input');
  expect(check).toThrow(ValidationError);
  expect(check).toThrow(/sample 3, input.*position 1/s);
});
