/**
 * The inner loops that kernels share: over neighbouring elements, several vectors at a time, and sums along them.
 * The order of all additions depends on shapes alone, so results are the same bits however the work is split.
 */
import type { TensorType } from '../../contract.js';
import { f32, f32x4, f64, type I32, i32, select, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';

export const FLOAT_BYTES = 4;

/** Elements that a step handles: whole vectors (16, 8 or 4 elements), or one element in the first lane of a vector. */
export type Lanes = 16 | 8 | 4 | 1;

/** A number of elements: known now, or when the kernel runs. */
export type Count = number | Local<'i32'>;

export const isFloat32 = (...types: readonly TensorType[]): boolean => types.every(({ dtype }) => dtype === 'float32');

/** The vector of 4 elements (or, with 1, the first lane) that begins `at` elements behind a pointer. */
export const loadLanes = (pointer: I32, lanes: Lanes, at = 0): V128 =>
  lanes === 1 ? v128.load32Zero(pointer, at * FLOAT_BYTES) : v128.load(pointer, at * FLOAT_BYTES);

/** Positions of the vectors in a step, in elements. */
export const vectorsOf = (lanes: Lanes): readonly number[] =>
  lanes === 1 ? [0] : Array.from({ length: lanes / 4 }, (_, index) => index * 4);

/** Writes the vectors of a step, two by two. */
export function storeLanes(code: FunctionBuilder, pointer: I32, values: readonly V128[], lanes: Lanes): void {
  if (lanes === 1) {
    code.do(f32.store(pointer, f32x4.extractLane(values[0], 0)));
    return;
  }
  for (let index = 0; index < values.length; index += 2) {
    const at = index * 4 * FLOAT_BYTES;
    if (index + 1 < values.length) code.do(v128.storePair(pointer, values[index], values[index + 1], at));
    else code.do(v128.store(pointer, values[index], at));
  }
}

/**
 * Calls `step` for `count` elements: `widest` at a time while there are so many, then 4, then 1 (or by the widths given).
 * The step moves its own pointers on by the lanes it was told. Vectors in locals that it makes are gone at its end.
 */
export function emitElements(
  code: FunctionBuilder,
  count: Count,
  widest: Lanes,
  step: (lanes: Lanes) => void,
  widths: readonly Lanes[] = [...new Set([widest, 4, 1] as const)],
): void {
  if (typeof count === 'number') {
    let rest = count;
    for (const lanes of widths) {
      const times = Math.floor(rest / lanes);
      if (times === 1) step(lanes);
      else code.repeat(times, () => code.temporaries(() => step(lanes)));
      rest -= times * lanes;
    }
    return;
  }
  const rest = code.local('i32', count);
  for (const lanes of widths) {
    const more = (): I32 => i32.geS(rest, i32.const(lanes));
    code.if(more(), () =>
      code.doWhile(() => {
        code.temporaries(() => step(lanes));
        code.increase(rest, -lanes);
      }, more),
    );
  }
}

/** One loop over neighbouring elements of several arrays; the pointers move along. */
export function emitMap(
  code: FunctionBuilder,
  count: Count,
  inputs: readonly Local<'i32'>[],
  output: Local<'i32'>,
  value: (operands: readonly V128[]) => V128,
): void {
  emitElements(code, count, 8, (lanes) => {
    const vectors = vectorsOf(lanes).map((at) => value(inputs.map((pointer) => loadLanes(pointer, lanes, at))));
    storeLanes(code, output, vectors, lanes);
    for (const pointer of new Set([...inputs, output])) code.increase(pointer, lanes * FLOAT_BYTES);
  });
}

/** Most elements whose sum is kept in single precision: 64 additions a lane, an error of a few units in the last place. */
export const SUM_CHUNK = 1024;

/** How to fold values: the operation on vectors and on doubles, and where it starts. */
export interface Fold {
  readonly initial: number;
  readonly vector: (a: V128, b: V128) => V128;
  readonly total: typeof f64.add;
}

export const SUM: Fold = { initial: 0, vector: f32x4.add, total: f64.add };
/** NaN wins, as in the reference. */
export const MAX: Fold = { initial: Number.NEGATIVE_INFINITY, vector: f32x4.max, total: f64.max };
export const MIN: Fold = { initial: Number.POSITIVE_INFINITY, vector: f32x4.min, total: f64.min };

/** Sums (or maxima, minima) of several terms: vectors for a chunk of elements, which then go into doubles. */
export class Accumulators {
  readonly totals: readonly Local<'f64'>[];
  readonly #code: FunctionBuilder;
  readonly #fold: Fold;
  /** By term and by the place of a vector in its step. */
  readonly #partials: readonly (readonly Local<'v128'>[])[];
  /** Elements in the widest step. */
  readonly lanes: Lanes;

  constructor(code: FunctionBuilder, terms: number, fold: Fold = SUM, lanes: Lanes = terms === 1 ? 16 : 8) {
    this.#code = code;
    this.#fold = fold;
    this.lanes = lanes;
    this.totals = Array.from({ length: terms }, () => code.local('f64'));
    this.#partials = this.totals.map(() => vectorsOf(this.lanes).map(() => code.local('v128')));
  }

  /** Sets the totals to the start. */
  reset(): void {
    for (const total of this.totals) this.#code.set(total, f64.const(this.#fold.initial));
  }

  /** Begins a chunk. */
  clear(): void {
    const initial = f32x4.splat(f32.const(this.#fold.initial));
    for (const partial of this.#partials.flat()) this.#code.set(partial, initial);
  }

  /** Folds a vector of a term in; `at` is its place in the step, in elements. */
  add(term: number, at: number, value: V128, lanes: Lanes): void {
    const partial = this.#partials[term][at / 4];
    // The other lanes of a single element are not part of the row.
    const taken = lanes === 1 ? this.#firstLane(value) : value;
    this.#code.set(partial, this.#fold.vector(partial, taken));
  }

  /** Ends a chunk: folds it into the totals. */
  flush(): void {
    this.#partials.forEach((partials, term) => {
      const vector = this.#code.local(
        'v128',
        partials.slice(1).reduce<V128>((a, b) => this.#fold.vector(a, b), partials[0]),
      );
      const lane = (index: number) => f64.promote(f32x4.extractLane(vector, index));
      const { total } = this.#fold;
      const sum = total(total(lane(0), lane(1)), total(lane(2), lane(3)));
      this.#code.set(this.totals[term], total(this.totals[term], sum));
    });
  }

  #firstLane(value: V128): V128 {
    const initial = f32x4.splat(f32.const(this.#fold.initial));
    return v128.shuffle(value, initial, [0, 1, 2, 3, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
  }
}

/** Rows to fold: how many, how long, and the bytes from the end of one to the beginning of the next. */
export interface FoldShape {
  readonly rows: Count;
  readonly length: Count;
  readonly gap: number;
}

/**
 * Folds rows into totals (after a `reset` by the caller). `step` is told the lanes at the pointers, which then walk along
 * the rows; it gives what it has to the accumulators.
 */
export function emitFold(
  code: FunctionBuilder,
  { rows, length, gap }: FoldShape,
  pointers: readonly Local<'i32'>[],
  accumulators: Accumulators,
  step: (lanes: Lanes) => void,
): void {
  const walk = (count: Count): void =>
    emitElements(code, count, accumulators.lanes, (lanes) => {
      step(lanes);
      for (const pointer of pointers) code.increase(pointer, lanes * FLOAT_BYTES);
    });
  const nextRow = (): void => {
    if (gap !== 0) for (const pointer of pointers) code.increase(pointer, gap);
  };
  if (typeof length === 'number' && length <= SUM_CHUNK) {
    emitChunks(code, rows, Math.max(Math.floor(SUM_CHUNK / Math.max(length, 1)), 1), (count) => {
      accumulators.clear();
      emitTimes(code, count, () => {
        walk(length);
        nextRow();
      });
      accumulators.flush();
    });
    return;
  }
  emitTimes(code, rows, () => {
    emitChunks(code, length, SUM_CHUNK, (count) => {
      accumulators.clear();
      walk(count);
      accumulators.flush();
    });
    nextRow();
  });
}

/** As `emitFold`, for terms of what the pointers point at. */
export function emitFoldTerms(
  code: FunctionBuilder,
  shape: FoldShape,
  pointers: readonly Local<'i32'>[],
  accumulators: Accumulators,
  terms: (operands: readonly V128[]) => readonly V128[],
): void {
  emitFold(code, shape, pointers, accumulators, (lanes) => {
    for (const at of vectorsOf(lanes)) {
      const operands = pointers.map((pointer) => loadLanes(pointer, lanes, at));
      terms(operands).forEach((value, term) => {
        accumulators.add(term, at, value, lanes);
      });
    }
  });
}

/** Runs `body` `count` times. */
export function emitTimes(code: FunctionBuilder, count: Count, body: () => void): void {
  if (count === 1) {
    body();
    return;
  }
  const rest = code.local('i32', typeof count === 'number' ? i32.const(count) : count);
  code.if(i32.gtS(rest, i32.const(0)), () =>
    code.doWhile(
      () => {
        body();
        code.increase(rest, -1);
      },
      () => i32.gtS(rest, i32.const(0)),
    ),
  );
}

/** Cuts `count` into parts of `size` and a rest, and runs `body` with the length of each. */
export function emitChunks(code: FunctionBuilder, count: Count, size: number, body: (count: Count) => void): void {
  if (typeof count === 'number' && count <= size) {
    if (count > 0) body(count);
    return;
  }
  const rest = code.local('i32', typeof count === 'number' ? i32.const(count) : count);
  const part = code.local('i32');
  code.if(i32.gtS(rest, i32.const(0)), () =>
    code.doWhile(
      () => {
        code.set(part, minimum(rest, size));
        body(part);
        code.set(rest, i32.sub(rest, part));
      },
      () => i32.gtS(rest, i32.const(0)),
    ),
  );
}

/** The smaller of a value and a constant. */
export const minimum = (value: Local<'i32'>, limit: number): I32 =>
  select(value, i32.const(limit), i32.ltS(value, i32.const(limit)));
