/** What a quantizer does to the values that it meets: how many it cuts off, and how large its rounding is beside them. */
import { noGrad } from '../../autograd/gradMode.js';
import { ValidationError } from '../../errors.js';
import { executeGraph } from '../../graph/execute.js';
import type { Graph, GraphValue } from '../../graph/graph.js';
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Quantizer } from '../quantizer.js';
import { channelIndex, type QuantizerGrid } from '../quantizerGrid.js';

/** How many values lie where in the range of a quantizer. */
export interface Histogram {
  /** Counts of equally wide bins from position `from` to `to`; the first and the last also count all values beyond. */
  readonly counts: readonly number[];
  /** Positions are shares of the range: 0 is its lower end, 1 its upper end. */
  readonly from: number;
  readonly to: number;
}

export interface Measurement {
  /** Number of values seen. */
  readonly count: number;
  /** Share of values below the range, from 0 to 1. */
  readonly clippedBelow: number;
  /** Share of values above the range. */
  readonly clippedAbove: number;
  /** 10 log10 of the squares of the values over the squares of the quantization errors, in dB; infinite without error. */
  readonly signalToNoise: number;
  /** Share of the range between the smallest and the largest value in it. */
  readonly filled: number;
  readonly histogram: Histogram;
}

const BINS = 90;
/** A quarter of the range is shown beyond each of its ends, in whole bins. */
const FROM = -0.25;
const TO = 1.25;
/** Float32 ends of a range may differ from the values they were taken from in the last bits. */
const TOLERANCE = 1e-6;

/** The bin of a position. Both ends of the range are in it. */
function binOf(position: number): number {
  const beyond = position < -TOLERANCE || position > 1 + TOLERANCE;
  const placed = beyond ? position : Math.min(Math.max(position, TOLERANCE), 1 - TOLERANCE);
  const bin = Math.floor(((placed - FROM) / (TO - FROM)) * BINS);
  return Math.min(Math.max(bin, 0), BINS - 1);
}

/** Collects a quantizer's measurement. */
export class QuantizerMeter {
  readonly #quantizer: Quantizer;
  readonly #grid: QuantizerGrid;
  readonly #counts = new Array<number>(BINS).fill(0);
  #count = 0;
  #below = 0;
  #above = 0;
  #signal = 0;
  #noise = 0;
  #lowest = 1;
  #highest = 0;

  constructor(quantizer: Quantizer, grid: QuantizerGrid) {
    this.#quantizer = quantizer;
    this.#grid = grid;
  }

  /** @throws ValidationError `NON_FINITE_VALUES` */
  add(values: ArrayLike<number>, shape: Shape): void {
    const { low, high, inverseStep } = this.#grid;
    const channelOf = channelIndex(shape, this.#grid);
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (!Number.isFinite(value)) this.#refuse(value);
      const channel = channelOf(index);
      const [bottom, top, perUnit] = [low[channel], high[channel], inverseStep[channel]];
      const position = (value - bottom) / (top - bottom);
      const clamped = Math.min(Math.max(value, bottom), top);
      const rounded = (Math.round((clamped - bottom) * perUnit) - Math.round(-bottom * perUnit)) / perUnit;
      this.#signal += value * value;
      this.#noise += (value - rounded) ** 2;
      if (position < -TOLERANCE) this.#below++;
      else if (position > 1 + TOLERANCE) this.#above++;
      this.#lowest = Math.min(this.#lowest, position);
      this.#highest = Math.max(this.#highest, position);
      this.#counts[binOf(position)]++;
    }
    this.#count += values.length;
  }

  result(): Measurement {
    const share = (count: number): number => (this.#count === 0 ? 0 : count / this.#count);
    return {
      count: this.#count,
      clippedBelow: share(this.#below),
      clippedAbove: share(this.#above),
      signalToNoise: this.#noise === 0 ? Infinity : 10 * Math.log10(this.#signal / this.#noise),
      filled: Math.max(0, Math.min(this.#highest, 1) - Math.max(this.#lowest, 0)),
      histogram: { counts: [...this.#counts], from: FROM, to: TO },
    };
  }

  #refuse(value: number): never {
    throw new ValidationError(
      'NON_FINITE_VALUES',
      `report: the values at quantizer '${this.#quantizer.name}' hold ${value}. Training has diverged, or the data holds such values: use an earlier checkpoint, or check the data.`,
      { quantizer: this.#quantizer.name },
    );
  }
}

/** Runs the graph in evaluation form on one sample and gives the watched values to their meters. */
export async function measureSample(
  graph: Graph,
  inputs: readonly Tensor[],
  meters: ReadonlyMap<GraphValue, readonly QuantizerMeter[]>,
): Promise<void> {
  const waiting: (() => Promise<void>)[] = [];
  noGrad(() =>
    executeGraph(graph, inputs, {
      observe(value, tensor) {
        const list = meters.get(value);
        if (!list) return;
        const take = (values: ArrayLike<number>): void => {
          for (const meter of list) meter.add(values, tensor.shape);
        };
        if (tensor.backend.synchronous) take(tensor.backend.readSync(tensor.storage));
        else waiting.push(async () => take(await tensor.data()));
      },
    }),
  );
  for (const read of waiting) await read();
}
