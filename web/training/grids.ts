/** Quantizers' ranges: showing them, moving them by hand, and putting them back. */
import { noGrad, type QuantizedModel, type Quantizer, type Tensor, tensor, ValidationError } from 'quantgrad';
import { type QuantizerGrid, quantizerGrid } from '../../src/quant/quantizerGrid.js';
import type { Grid } from '../protocol.js';

/** A range keeps at least this width at each end that moves, so that there is always something to divide by. */
const LEAST = 1e-4;

/** The number of the channel with the widest range. */
function widestChannel({ low, high }: QuantizerGrid): number {
  let widest = 0;
  for (let channel = 1; channel < low.length; channel++) {
    if (high[channel] - low[channel] > high[widest] - low[widest]) widest = channel;
  }
  return widest;
}

const movableEnds = ({ spec }: Quantizer): Grid['movableEnds'] =>
  spec.mode === 'symmetric' && !spec.signed ? ['high'] : ['low', 'high'];

/** The values with every one scaled; where the old one is 0 there is no scale, and the new one is taken. */
const scaled = (values: ArrayLike<number>, from: number, to: number): Float32Array =>
  Float32Array.from(values, (value) => (from === 0 ? to : (value * to) / from));

export class Ranges {
  readonly #model: QuantizedModel;
  /** What the parameters were before they were moved by hand. */
  readonly #before = new Map<string, readonly Tensor[]>();

  constructor(model: QuantizedModel) {
    this.#model = model;
    // Learning rates that move ranges far are for the visitor to try; the histograms show what they do.
    model.rangeGuard = 'off';
  }

  /** Training goes on from ranges that were moved by hand; there is nothing to put back then. */
  forget(): void {
    this.#before.clear();
  }

  describe(quantizer: Quantizer, grid: QuantizerGrid): Grid {
    const widest = widestChannel(grid);
    const [inputLow, inputHigh] = [grid.low[widest], grid.high[widest]];
    return {
      quantizer: quantizer.name,
      bits: quantizer.spec.bits,
      levels: grid.levels,
      inputLow,
      inputHigh,
      step: (inputHigh - inputLow) / (grid.levels - 1),
      channels: grid.low.length,
      movableEnds: movableEnds(quantizer),
      symmetric: quantizer.spec.mode === 'symmetric',
      moved: this.#before.has(quantizer.name),
    };
  }

  async grid(name: string): Promise<Grid> {
    const quantizer = this.#model.quantizer(name);
    return this.describe(quantizer, await quantizerGrid(quantizer));
  }

  /**
   * Moves the ends of the widest channel's range to `low` and `high`, and those of the others in proportion. Zero stays in the
   * range, as every quantizer needs it.
   * @throws ValidationError `RANGE_NOT_FINITE`, `UNKNOWN_QUANTIZER`
   */
  async set(name: string, low: number, high: number): Promise<void> {
    const quantizer = this.#model.quantizer(name);
    if (!Number.isFinite(low) || !Number.isFinite(high)) {
      throw new ValidationError(
        'RANGE_NOT_FINITE',
        `The ends of the range of '${name}' are ${low} and ${high}; give two numbers.`,
        { quantizer: name },
      );
    }
    const grid = await quantizerGrid(quantizer);
    const widest = widestChannel(grid);
    const top = Math.max(high, LEAST);
    const values: Float32Array[] = [];
    if (quantizer.spec.mode === 'symmetric') {
      values.push(scaled(grid.high, grid.high[widest], top));
    } else {
      const lows = scaled(grid.low, grid.low[widest], Math.min(low, 0));
      const highs = scaled(grid.high, grid.high[widest], top);
      values.push(
        lows,
        highs.map((value, channel) => value - lows[channel]),
      );
    }
    const { parameters } = quantizer;
    if (!this.#before.has(name)) {
      this.#before.set(
        name,
        parameters.map((parameter) => parameter.detach()),
      );
    }
    this.#assign(
      quantizer,
      parameters.map(({ shape }, index) => tensor(values[index], { shape: [...shape] })),
    );
  }

  /** Puts a range back to what it was before it was moved by hand. @throws ValidationError `UNKNOWN_QUANTIZER` */
  reset(name: string): void {
    const quantizer = this.#model.quantizer(name);
    const before = this.#before.get(name);
    if (before) this.#assign(quantizer, before);
    this.#before.delete(name);
  }

  #assign(quantizer: Quantizer, values: readonly Tensor[]): void {
    noGrad(() => {
      for (const [index, parameter] of quantizer.parameters.entries()) parameter.assign_(values[index]);
    });
  }
}
