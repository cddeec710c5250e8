/** The differences between two descriptions of one quantized model, in words and as numbers. */
import type { BiasAddition, BiasScale, ModelDescription, QuantizerDescription } from './description.js';

/**
 * Ranges may differ by this share of their width; those of channels by this share of the widest channel's, because the
 * rounding of float32 sums depends on what is summed, of which a channel with a small range has as much as others.
 */
export const RANGE_BOUND = 1e-5;
/** Biases may differ by this share of the largest output of their layer. */
export const BIAS_BOUND = 1e-4;

export interface ModelComparison {
  /** What differs in places and kinds of quantizers. */
  readonly placement: readonly string[];
  /** Ranges and biases beyond the bounds. */
  readonly values: readonly string[];
  readonly quantizers: number;
  readonly weights: number;
  readonly channelActivations: number;
  /** Largest difference of an end of a range, relative to the widest range of the quantizer. */
  readonly range: number;
  /** The same, relative to the width of the range itself. */
  readonly ownRange: number;
  readonly biases: number;
  /** Of these, how many NNCF changed. */
  readonly corrected: number;
  /** Biases that only this library corrects: those of depthwise and transposed convolutions. */
  readonly own: number;
  /** Largest difference of a bias beyond what ties of weights explain, relative to the largest output of its layer. */
  readonly bias: number;
  /** Largest difference of a bias in all. */
  readonly rawBias: number;
}

/** What is known of the float model's biases, by the name of the addition. */
export interface BiasFacts {
  readonly before: ModelDescription['biases'];
  readonly layers: ReadonlyMap<string, BiasAddition>;
  readonly scales: ReadonlyMap<string, BiasScale>;
  readonly ties: ReadonlyMap<string, Float64Array>;
  /** Whether bias correction was the full one. */
  readonly full: boolean;
}

const isWeights = ({ name }: QuantizerDescription): boolean => /\/fq_weights_\d+$/.test(name);

const granularity = ({ channels }: QuantizerDescription): string =>
  channels === 1 ? 'per tensor' : `for ${channels} channels`;

/** Symmetric signed ranges have about as much below zero as above, unsigned ones nothing below it. */
const kind = ({ low, high }: QuantizerDescription): string => {
  if (low.every((value) => value === 0)) return 'unsigned';
  const symmetric = low.every((value, index) => Math.abs(value / high[index] + 1) < 0.02);
  return symmetric ? 'symmetric' : 'asymmetric';
};

/**
 * Whether zero lies so close to the middle between two levels of an asymmetric range that rounding decides which end is
 * moved to bring it onto the grid. Each side then has kept one end of the range that calibration saw.
 */
function isZeroPointTie(own: QuantizerDescription, theirs: QuantizerDescription, channel: number): boolean {
  const low = Math.max(own.low[channel], theirs.low[channel]);
  const high = Math.min(own.high[channel], theirs.high[channel]);
  const level = (-low * (own.levels - 1)) / (high - low);
  return Math.abs(level - Math.floor(level) - 0.5) < 1e-3;
}

/** Differences of two quantizers at one place, and of their ranges. */
function compareQuantizer(
  own: QuantizerDescription,
  theirs: QuantizerDescription,
): { placement: string[]; values: string[]; range: number; ownRange: number } {
  const { name } = theirs;
  const placement: string[] = [];
  const expect = (what: string, ours: string | number, other: string | number): void => {
    if (ours !== other) placement.push(`${name}: ${what} ${ours}, NNCF ${other}`);
  };
  expect('levels', own.levels, theirs.levels);
  expect('granularity', granularity(own), granularity(theirs));
  expect('mode', kind(own), kind(theirs));
  if (own.channels !== theirs.channels) return { placement, values: [], range: 0, ownRange: 0 };
  const widest = theirs.low.reduce((most, low, index) => Math.max(most, theirs.high[index] - low), 0);
  let range = 0;
  let ownRange = 0;
  let worst = 0;
  theirs.low.forEach((low, index) => {
    const difference = Math.max(Math.abs(own.low[index] - low), Math.abs(own.high[index] - theirs.high[index]));
    ownRange = Math.max(ownRange, difference / (theirs.high[index] - low));
    if (difference / widest <= range) return;
    range = difference / widest;
    worst = index;
  });
  const explained = range > RANGE_BOUND && isZeroPointTie(own, theirs, worst);
  const ends = ({ low, high }: QuantizerDescription): string => `[${low[worst]}, ${high[worst]}]`;
  const values = range <= RANGE_BOUND || explained ? [] : [`${name}: range ${ends(own)}, NNCF ${ends(theirs)}`];
  return explained ? { placement, values, range: 0, ownRange: 0 } : { placement, values, range, ownRange };
}

/** Whether NNCF's OpenVINO backend corrects the bias of such a layer at all. */
const isCorrectedByNncf = ({ layer }: BiasAddition, full: boolean): boolean =>
  full || layer.type === 'Convolution' || layer.type === 'MatMul';

type BiasComparison = Pick<ModelComparison, 'biases' | 'corrected' | 'own' | 'bias' | 'rawBias'> & { values: string[] };

function compareBiases(own: ModelDescription, theirs: ModelDescription, facts: BiasFacts): BiasComparison {
  const result = { biases: 0, corrected: 0, own: 0, bias: 0, rawBias: 0, values: [] as string[] };
  for (const [name, values] of Object.entries(theirs.biases)) {
    const [other, before, scale] = [own.biases[name], facts.before[name], facts.scales.get(name)];
    const addition = facts.layers.get(name);
    if (!other || !before || !scale || !addition) {
      result.values.push(`bias ${name}: not in this library's model`);
      continue;
    }
    result.biases++;
    const changed = (list: readonly number[]): boolean =>
      list.some((value, index) => Math.fround(value) !== Math.fround(before[index]));
    if (!isCorrectedByNncf(addition, facts.full)) {
      if (changed(other)) result.own++;
      if (changed(values))
        result.values.push(`bias ${name}: NNCF corrects it although it is of a ${addition.layer.type}`);
      continue;
    }
    if (changed(values)) result.corrected++;
    const ties = facts.ties.get(name);
    values.forEach((value, index) => {
      const raw = Math.abs(value - other[index]);
      const explained = (ties?.[index] ?? 0) * scale.input;
      result.rawBias = Math.max(result.rawBias, raw / scale.output);
      const relative = Math.max(raw - explained, 0) / scale.output;
      result.bias = Math.max(result.bias, relative);
      if (!(relative <= BIAS_BOUND)) {
        const text = `bias ${name}[${index}]: ${before[index]} became ${other[index]}, with NNCF ${value}`;
        result.values.push(`${text}; the layer gives up to ${scale.output}`);
      }
    });
  }
  return result;
}

export function compareModels(own: ModelDescription, theirs: ModelDescription, facts: BiasFacts): ModelComparison {
  const placement: string[] = [];
  const values: string[] = [];
  const places = new Map(own.quantizers.map((quantizer) => [quantizer.name, quantizer]));
  let range = 0;
  let ownRange = 0;
  for (const quantizer of theirs.quantizers) {
    const found = places.get(quantizer.name);
    places.delete(quantizer.name);
    if (!found) {
      placement.push(`only NNCF has ${quantizer.name}`);
      continue;
    }
    const result = compareQuantizer(found, quantizer);
    range = Math.max(range, result.range);
    ownRange = Math.max(ownRange, result.ownRange);
    placement.push(...result.placement);
    values.push(...result.values);
  }
  placement.push(...[...places.keys()].map((name) => `only QuantGrad has ${name}`));
  const biases = compareBiases(own, theirs, facts);
  return {
    ...biases,
    placement,
    values: [...values, ...biases.values],
    quantizers: own.quantizers.length,
    weights: own.quantizers.filter(isWeights).length,
    channelActivations: own.quantizers.filter((each) => !isWeights(each) && each.channels > 1).length,
    range,
    ownRange,
  };
}
