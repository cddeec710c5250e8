/**
 * How the ends of a range are estimated: a statistic of each calibration sample, and how those of all samples become one
 * (NNCF: `quantization/range_estimator.py`).
 */
import { ValidationError } from '../errors.js';
import { checkOptions } from '../options.js';

export const STATISTICS_TYPES = ['max', 'min', 'absMax', 'quantile', 'absQuantile', 'mean', 'raw'] as const;
/** What is taken from one sample. `raw` is all its values, for the histogram. */
export type StatisticsType = (typeof STATISTICS_TYPES)[number];

export const AGGREGATOR_TYPES = [
  ...(['mean', 'max', 'min', 'median', 'meanNoOutliers', 'medianNoOutliers', 'histogram'] as const),
];
/** What becomes of the samples' statistics. */
export type AggregatorType = (typeof AGGREGATOR_TYPES)[number];

/** How one end of a range is estimated. */
export interface StatisticsCollectorParameters {
  /** Default: that of the kind of quantizer. */
  readonly statisticsType?: StatisticsType;
  /** Default: that of the kind of quantizer. */
  readonly aggregatorType?: AggregatorType;
  /**
   * Share of the values at each end that counts as outliers: for the quantiles (of the lower end this one, of the upper
   * end 1 minus it) and for the aggregators without outliers. Default: 1e-4.
   */
  readonly quantileOutlierProb?: number;
}

/**
 * How both ends of a range are estimated. Defaults, for each field: `minMax` for weights and for activations with a range
 * for each channel, `meanMinMax` for other activations.
 */
export interface RangeEstimatorParameters {
  readonly min?: StatisticsCollectorParameters;
  readonly max?: StatisticsCollectorParameters;
}

/** Parameters with nothing left open. */
export interface RangeEstimator {
  readonly min: Required<StatisticsCollectorParameters>;
  readonly max: Required<StatisticsCollectorParameters>;
}

const both = (
  [min, max]: readonly [StatisticsType, StatisticsType],
  low: AggregatorType,
  high = low,
): RangeEstimatorParameters => ({
  min: { statisticsType: min, aggregatorType: low },
  max: { statisticsType: max, aggregatorType: high },
});

/** The usual estimators by name (NNCF's RangeEstimatorParametersSet). */
export const RANGE_ESTIMATORS = {
  /** The extremes of all samples. */
  minMax: both(['min', 'max'], 'min', 'max'),
  /** The means of the samples' extremes. */
  meanMinMax: both(['min', 'max'], 'mean'),
  /** The medians of the samples' extremes. */
  medianMinMax: both(['min', 'max'], 'median'),
  /** The means of the samples' extremes, without the most extreme. */
  meanNoOutliersMinMax: both(['min', 'max'], 'meanNoOutliers'),
  /** The means of the samples' outer quantiles. */
  meanQuantile: both(['quantile', 'quantile'], 'mean'),
  /** The ends between which 8-bit codes have the smallest squared error on the distribution of all values. */
  histogram: both(['raw', 'raw'], 'histogram'),
} as const satisfies Readonly<Record<string, RangeEstimatorParameters>>;

const FIELDS = ['statisticsType', 'aggregatorType', 'quantileOutlierProb'] as const;

function checkEnd(where: string, end: StatisticsCollectorParameters = {}): void {
  checkOptions(where, end, FIELDS);
  const { statisticsType, aggregatorType, quantileOutlierProb } = end;
  const known: readonly [string, string | undefined, readonly string[]][] = [
    ['statisticsType', statisticsType, STATISTICS_TYPES],
    ['aggregatorType', aggregatorType, AGGREGATOR_TYPES],
  ];
  for (const [name, value, values] of known) {
    if (value === undefined || values.includes(value)) continue;
    throw new ValidationError(
      'INVALID_OPTION',
      `${where}: ${name} is '${String(value)}', but must be one of ${values.map((item) => `'${item}'`).join(', ')}.`,
      { option: name },
    );
  }
  if (quantileOutlierProb === undefined) return;
  if (!(typeof quantileOutlierProb === 'number' && quantileOutlierProb >= 0 && quantileOutlierProb < 0.5))
    throw new ValidationError(
      'INVALID_OPTION',
      `${where}: quantileOutlierProb must be from 0 to below 0.5, not ${String(quantileOutlierProb)}.`,
      { option: 'quantileOutlierProb' },
    );
}

const isHistogram = ({ statisticsType, aggregatorType }: StatisticsCollectorParameters = {}): boolean =>
  statisticsType === 'raw' || aggregatorType === 'histogram';

/** Checks what the user gave. The histogram finds both ends together, from all values. */
export function checkRangeEstimator(where: string, given: RangeEstimatorParameters = {}): void {
  checkOptions(where, given, ['min', 'max']);
  checkEnd(`${where}.min`, given.min);
  checkEnd(`${where}.max`, given.max);
  const ends = [given.min, given.max];
  const whole = ({ statisticsType, aggregatorType }: StatisticsCollectorParameters = {}): boolean =>
    statisticsType === 'raw' && aggregatorType === 'histogram';
  if (ends.some(isHistogram) && !ends.every(whole))
    throw new ValidationError(
      'HISTOGRAM_PARAMETERS',
      `${where}: the histogram estimates both ends together, from raw values. Give RANGE_ESTIMATORS.histogram, which is { statisticsType: 'raw', aggregatorType: 'histogram' } for min and max.`,
    );
}

/**
 * The estimator of a quantizer: the user's fields, and the defaults of its kind.
 * @param perChannel A range for each channel, for which there is no histogram; NNCF then takes the extremes.
 */
export function rangeEstimator(
  given: RangeEstimatorParameters,
  kind: 'weights' | 'activations',
  perChannel: boolean,
): RangeEstimator {
  const { minMax, meanMinMax, histogram } = RANGE_ESTIMATORS;
  const defaults = kind === 'weights' || perChannel ? minMax : meanMinMax;
  const wanted = perChannel && isHistogram(given.max) ? minMax : given;
  const end = (name: 'min' | 'max'): Required<StatisticsCollectorParameters> => ({
    ...{ statisticsType: name, aggregatorType: name, quantileOutlierProb: 1e-4 },
    ...(isHistogram(wanted.max) ? histogram[name] : defaults[name]),
    ...definedOf(wanted[name]),
  });
  return { min: end('min'), max: end('max') };
}

/** The fields that are given. */
const definedOf = <T extends object>(value: T | undefined): T =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([, item]) => item !== undefined)) as T;
