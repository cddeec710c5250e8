/** Small pieces that kernels are made of: addresses, and loops over rows of float32 that keep to their bounds. */
import { f32, f32x4, type I32, i32, select, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';

/** Bytes of a float32. */
export const FLOAT = 4;

export const constant = (value: number): I32 => i32.const(value);

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/** `value * factor` with a factor that is known. */
export function times(value: I32, factor: number): I32 {
  if (factor === 1) return value;
  const shift = Math.log2(factor);
  return Number.isInteger(shift) ? i32.shl(value, constant(shift)) : i32.mul(value, constant(factor));
}

/** The address of a float: `base` plus each index times its stride in floats. */
export const floatAt = (base: I32, ...terms: readonly (readonly [index: I32, stride: number])[]): I32 =>
  terms.reduce((sum, [index, stride]) => i32.add(sum, times(index, stride * FLOAT)), base);

/** The smaller of two signed numbers. Operands are written twice: pass locals and constants. */
export const minimum = (a: I32, b: I32): I32 => select(a, b, i32.ltS(a, b));
export const maximum = (a: I32, b: I32): I32 => select(a, b, i32.gtS(a, b));

/** Picks 32-bit lanes of two vectors: 0 to 3 of a, 4 to 7 of b. */
export const shuffleLanes = (a: V128, b: V128, lanes: readonly number[]): V128 =>
  v128.shuffle(
    a,
    b,
    lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
  );

/** Reads the first `lanes` of four floats and nothing behind them; the other lanes are zero. */
export function loadLanes(address: I32, offset: number, lanes: number): V128 {
  if (lanes === 4) return v128.load(address, offset);
  if (lanes === 1) return v128.load32Zero(address, offset);
  const pair = v128.load64Zero(address, offset);
  return lanes === 2 ? pair : shuffleLanes(pair, v128.load32Zero(address, offset + 8), [0, 1, 4, 5]);
}

/** Writes the first `lanes` of a vector. */
export function storeLanes(code: FunctionBuilder, address: I32, offset: number, value: V128, lanes: number): void {
  if (lanes === 4) {
    code.do(v128.store(address, value, offset));
    return;
  }
  const kept = code.local('v128', value);
  for (let lane = 0; lane < lanes; lane++) {
    code.do(f32.store(address, f32x4.extractLane(kept, lane), offset + FLOAT * lane));
  }
}

/** Up to four neighbouring floats of a row: where they begin, in bytes, as a number known only when running plus an offset. */
export interface Span {
  readonly index: I32 | null;
  readonly offset: number;
  readonly lanes: number;
}

/** `base` advanced to the span, of which `offset` is left for the instruction. */
export const spanAt = (base: I32, { index }: Span, scale = 1): I32 =>
  index ? i32.add(base, times(index, scale)) : base;

export interface SpanOptions {
  /** Whether the last four floats may be visited again. Default: false. */
  readonly overlap?: boolean;
  /** Vectors that are written out rather than looped over. Default: 8. */
  readonly unroll?: number;
}

const UNROLL = 8;

/**
 * Visits `count` floats of a row four at a time. What is left over is a span of fewer lanes, or, with `overlap`, the
 * last four again, for bodies that may be repeated. Up to `unroll` vectors are written out, more become a loop.
 */
export function emitSpans(
  code: FunctionBuilder,
  count: number,
  { overlap = false, unroll = UNROLL }: SpanOptions,
  body: (span: Span) => void,
): void {
  const bytes = Math.floor(count / 4) * 16;
  if (bytes <= unroll * 16) {
    for (let offset = 0; offset < bytes; offset += 16) body({ index: null, offset, lanes: 4 });
  } else {
    code.repeat(bytes, (index) => body({ index, offset: 0, lanes: 4 }), 16);
  }
  const rest = count % 4;
  if (rest === 0) return;
  if (overlap && bytes > 0) body({ index: null, offset: count * FLOAT - 16, lanes: 4 });
  else body({ index: null, offset: bytes, lanes: rest });
}

/**
 * As `emitSpans`, with two neighbouring spans at a time where vectors can be joined. The body does the same with each of
 * its spans, side by side.
 */
export function emitSpanPairs(
  code: FunctionBuilder,
  count: number,
  options: SpanOptions,
  body: (spans: readonly Span[]) => void,
): void {
  const pairs = code.options.wide ? Math.floor(count / 8) : 0;
  const pair = (index: I32 | null, first: number): void =>
    body([first, first + 16].map((offset) => ({ index, offset, lanes: 4 })));
  if (2 * pairs <= Math.max(options.unroll ?? UNROLL, 2)) {
    for (let offset = 0; offset < 32 * pairs; offset += 32) pair(null, offset);
  } else code.repeat(32 * pairs, (index) => pair(index, 0), 32);
  const rest = count - 8 * pairs;
  // The last four again: the pairs have been there, so that they exist.
  if (options.overlap && pairs > 0 && rest > 0) {
    if (rest >= 4) body([{ index: null, offset: 32 * pairs, lanes: 4 }]);
    if (rest % 4 > 0) body([{ index: null, offset: count * FLOAT - 16, lanes: 4 }]);
    return;
  }
  emitSpans(code, rest, options, (span) => body([{ ...span, offset: span.offset + 32 * pairs }]));
}

/** Writes four floats, or eight as a pair that can be joined. */
export function storeSpans(code: FunctionBuilder, base: I32, spans: readonly Span[], values: readonly V128[]): void {
  const [first] = spans;
  // V8 joins stores whose address is one value.
  const address = code.local('i32', spanAt(base, first));
  if (spans.length === 2) code.do(v128.storePair(address, values[0], values[1], first.offset));
  else storeLanes(code, address, first.offset, values[0], first.lanes);
}

/** Counts a local from 0 to a number that is known only when running; nothing happens for 0. */
export function emitLoop(code: FunctionBuilder, count: I32, body: (counter: Local<'i32'>) => void): void {
  const counter = code.local('i32', constant(0));
  const end = code.local('i32', count);
  code.countTo(counter, end, 1, () => body(counter));
}

/** Visits blocks of `size` of an extent; `length` is less in the last. */
export function emitBlocks(
  code: FunctionBuilder,
  extent: number,
  size: number,
  body: (start: Local<'i32'>, length: I32) => void,
): void {
  if (extent <= size) {
    const start = code.local('i32');
    code.set(start, constant(0));
    body(start, constant(extent));
    return;
  }
  const length = code.local('i32');
  code.repeat(
    extent,
    (start) => {
      const rest = i32.sub(constant(extent), start);
      code.set(length, extent % size === 0 ? constant(size) : minimum(constant(size), rest));
      body(start, length);
    },
    size,
  );
}

/** Sets `count` floats to a value; `count` is known only when running. */
export function emitFill(code: FunctionBuilder, address: I32, count: I32, value = 0): void {
  const target = code.local('i32', address);
  const rest = code.local('i32', count);
  const vector = code.local('v128', f32x4.splat(f32.const(value)));
  const step = (lanes: 1 | 4): void =>
    code.if(i32.geS(rest, constant(lanes)), () =>
      code.doWhile(
        () => {
          storeLanes(code, target, 0, vector, lanes);
          code.increase(target, lanes * FLOAT);
          code.increase(rest, -lanes);
        },
        () => i32.geS(rest, constant(lanes)),
      ),
    );
  step(4);
  step(1);
}

/** Splits an extent evenly into blocks of at most `maximum`, whose size is a multiple of `multiple`. */
export const evenBlock = (extent: number, maximum: number, multiple: number): number =>
  Math.max(multiple, roundUp(Math.ceil(extent / Math.max(1, Math.ceil(extent / maximum))), multiple));
