/** Folding down columns: four neighbouring columns at a time, or one where there are fewer. */
import { f32x4, f64, f64x2, type I32, i32, type V128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { FLOAT_BYTES, type Lanes } from './loops.js';
import { shuffleLanes, times } from './spans.js';

/** Strips of four columns. The last one begins where it ends with the last column, so some columns are done twice. */
export interface Strips {
  readonly columns: number;
  readonly lanes: Lanes;
  readonly count: number;
}

export const stripsOf = (columns: number): Strips =>
  columns >= 4 ? { columns, lanes: 4, count: Math.ceil(columns / 4) } : { columns, lanes: 1, count: columns };

/** Byte offset of a strip's first column. */
export function stripOffset(code: FunctionBuilder, strip: I32, { columns, lanes }: Strips): Local<'i32'> {
  const offset = code.local('i32', times(strip, lanes * FLOAT_BYTES));
  if (columns % lanes !== 0) {
    const last = i32.const((columns - lanes) * FLOAT_BYTES);
    code.if(i32.gtS(offset, last), () => code.set(offset, last));
  }
  return offset;
}

/** Sums of four columns in double precision. */
export class ColumnSums {
  readonly #code: FunctionBuilder;
  readonly #halves: readonly Local<'v128'>[];

  constructor(code: FunctionBuilder) {
    this.#code = code;
    this.#halves = [code.local('v128'), code.local('v128')];
  }

  reset(): void {
    for (const half of this.#halves) this.#code.set(half, f64x2.splat(f64.const(0)));
  }

  add(value: V128): void {
    const vector = this.#code.local('v128', value);
    const upper = shuffleLanes(vector, vector, [2, 3, 2, 3]);
    [vector, upper].forEach((part, index) => {
      const half = this.#halves[index];
      this.#code.set(half, f64x2.add(half, f64x2.promoteLowF32x4(part)));
    });
  }

  /** The sums in float32, divided by `divisor`. */
  value(divisor = 1): V128 {
    const [low, high] = this.#halves.map((half) =>
      f32x4.demoteF64x2Zero(divisor === 1 ? half : f64x2.div(half, f64x2.splat(f64.const(divisor)))),
    );
    return shuffleLanes(low, high, [0, 1, 4, 5]);
  }
}
