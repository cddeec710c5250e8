/**
 * Reductions. After merging axes a tensor is [outer, rows, columns, length] of which `rows` and `length` are reduced.
 * With a length, elements side by side are folded; without one, columns are. Either is cut into chunks whose results
 * go to scratch memory, and a second phase folds those; a tensor of one chunk needs no second phase.
 */
import type { ReduceFunction, TensorType } from '../../contract.js';
import { type F64, f32, f32x4, f64, i32, type V128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { ColumnSums, stripOffset, stripsOf } from './columnSums.js';
import {
  Accumulators,
  type Count,
  emitElements,
  emitFoldTerms,
  emitTimes,
  FLOAT_BYTES,
  type Fold,
  isFloat32,
  loadLanes,
  MAX,
  MIN,
  minimum,
  SUM,
  storeLanes,
  vectorsOf,
} from './loops.js';
import { times } from './spans.js';
import { keep, splat } from './vectors.js';

const FOLDS: Partial<Record<ReduceFunction, Fold>> = { sum: SUM, mean: SUM, max: MAX, min: MIN };

/** Elements of a chunk side by side. */
const CHUNK_ELEMENTS = 8192;
/** Rows of a chunk of columns: few enough to add in single precision. */
const CHUNK_ROWS = 64;

interface Pattern {
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
  readonly length: number;
}

/** Merges axes; null if they alternate more often than the pattern. */
export function patternOf({ shape }: TensorType, axes: readonly number[]): Pattern | null {
  const runs: { reduced: boolean; extent: number }[] = [];
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const reduced = axes.includes(axis);
    const last = runs[runs.length - 1];
    if (last?.reduced === reduced) last.extent *= extent;
    else runs.push({ reduced, extent });
  });
  const take = (reduced: boolean): number => (runs[0]?.reduced === reduced ? (runs.shift()?.extent ?? 1) : 1);
  const [outer, rows, columns, length] = [take(false), take(true), take(false), take(true)];
  if (runs.length > 0) return null;
  if (columns > 1 || length > 1) return { outer, rows, columns, length };
  return rows > 1 ? { outer, rows: 1, columns: 1, length: rows } : { outer: 1, rows: 1, columns: outer, length: 1 };
}

export const reduce: WasmKernel<'reduce'> = ([x], { function: name, axes }, [y]) => {
  const fold = FOLDS[name];
  const pattern = patternOf(x, axes);
  if (!fold || !pattern || !isFloat32(x, y) || sizeOf(x.shape) === 0) return null;
  const divisor = name === 'mean' ? pattern.rows * pattern.length : 1;
  const key = `reduce ${name} ${Object.values(pattern)}`;
  return pattern.length > 1 ? lengthCall(key, fold, divisor, pattern) : columnCall(key, fold, divisor, pattern);
};

const ADDRESSES = ['x', 'y', 'scratch'] as const;

interface Parameters {
  readonly x: Local<'i32'>;
  readonly y: Local<'i32'>;
  /** Null where there is one chunk only. */
  readonly scratch: Local<'i32'> | null;
  readonly begin: Local<'i32'>;
  readonly end: Local<'i32'>;
}

/** Defines the first phase, which has scratch memory only if there are several chunks. */
function defineRun(
  module: ModuleBuilder,
  chunks: number,
  build: (code: FunctionBuilder, parameters: Parameters) => void,
): void {
  if (chunks > 1) module.function('run', kernelParameters(ADDRESSES), build);
  else
    module.function('run', kernelParameters(['x', 'y'] as const), (code, parameters) =>
      build(code, { ...parameters, scratch: null }),
    );
}

const PARTIAL_BYTES = 8;

function lengthCall(key: string, fold: Fold, divisor: number, pattern: Pattern): WasmCall {
  const { outer, rows, columns, length } = pattern;
  const results = outer * columns;
  const blocks = Math.ceil(length / CHUNK_ELEMENTS);
  const rowsPerChunk = blocks > 1 ? 1 : Math.min(Math.max(Math.floor(CHUNK_ELEMENTS / length), 1), rows);
  const chunks = Math.ceil(rows / rowsPerChunk) * blocks;
  const units = results * chunks;
  const finish = (total: F64): F64 => (divisor === 1 ? total : f64.div(total, f64.const(divisor)));
  return {
    key,
    phases: [{ name: 'run', units }, ...(chunks > 1 ? [{ name: 'combine', units: results, cost: units }] : [])],
    scratchBytes: chunks > 1 ? units * PARTIAL_BYTES : undefined,
    build(module) {
      defineRun(module, chunks, (code, { x, y, scratch, begin, end }) => {
        const folded = new Accumulators(code, 1, fold);
        code.countTo(begin, end, 1, () => {
          const result = code.local('i32', i32.divU(begin, i32.const(chunks)));
          const chunk = code.local('i32', i32.remU(begin, i32.const(chunks)));
          const row = code.local('i32', times(i32.divU(chunk, i32.const(blocks)), rowsPerChunk));
          const lead = i32.add(times(i32.divU(result, i32.const(columns)), rows), row);
          const line = i32.add(times(lead, columns), i32.remU(result, i32.const(columns)));
          const pointer = code.local('i32', i32.add(x, times(line, length * FLOAT_BYTES)));
          let [count, width]: Count[] = [rowsPerChunk, length];
          if (rows % rowsPerChunk !== 0) {
            count = code.local('i32', i32.sub(i32.const(rows), row));
            code.set(count, minimum(count, rowsPerChunk));
          }
          if (blocks > 1) {
            const start = code.local('i32', times(i32.remU(chunk, i32.const(blocks)), CHUNK_ELEMENTS));
            width = code.local('i32', i32.sub(i32.const(length), start));
            code.set(width, minimum(width, CHUNK_ELEMENTS));
            code.set(pointer, i32.add(pointer, times(start, FLOAT_BYTES)));
          }
          folded.reset();
          const shape = { rows: count, length: width, gap: (columns - 1) * length * FLOAT_BYTES };
          emitFoldTerms(code, shape, [pointer], folded, (operands) => operands);
          const [total] = folded.totals;
          if (scratch) code.do(f64.store(i32.add(scratch, times(begin, PARTIAL_BYTES)), total));
          else code.do(f32.store(i32.add(y, times(begin, FLOAT_BYTES)), f32.demote(finish(total))));
        });
      });
      if (chunks === 1) return;
      module.function('combine', kernelParameters(ADDRESSES), (code, { y, scratch, begin, end }) => {
        const [total, partial] = [code.local('f64'), code.local('i32')];
        code.countTo(begin, end, 1, () => {
          code.set(total, f64.const(fold.initial));
          code.set(partial, i32.add(scratch, times(begin, chunks * PARTIAL_BYTES)));
          code.repeat(chunks, () => {
            code.set(total, fold.total(total, f64.load(partial)));
            code.increase(partial, PARTIAL_BYTES);
          });
          code.do(f32.store(i32.add(y, times(begin, FLOAT_BYTES)), f32.demote(finish(total))));
        });
      });
    },
  };
}

function columnCall(key: string, fold: Fold, divisor: number, { outer, rows, columns }: Pattern): WasmCall {
  const chunks = Math.ceil(rows / CHUNK_ROWS);
  const strips = stripsOf(columns);
  const stride = columns * FLOAT_BYTES;
  return {
    key,
    phases: [
      { name: 'run', units: outer * chunks },
      ...(chunks > 1 ? [{ name: 'combine', units: outer * strips.count, cost: outer * chunks * columns }] : []),
    ],
    scratchBytes: chunks > 1 ? outer * chunks * stride : undefined,
    build(module) {
      defineRun(module, chunks, (code, { x, y, scratch, begin, end }) => {
        const divide = (value: V128): V128 =>
          divisor === 1 || scratch ? value : f32x4.div(value, splat(code, divisor));
        const totals = vectorsOf(16).map(() => code.local('v128'));
        const down = code.local('i32');
        code.countTo(begin, end, 1, () => {
          let count: Count = rows;
          const from = code.local('i32');
          if (chunks > 1) {
            const row = code.local('i32', times(i32.remU(begin, i32.const(chunks)), CHUNK_ROWS));
            const lead = i32.add(times(i32.divU(begin, i32.const(chunks)), rows), row);
            code.set(from, i32.add(x, times(lead, stride)));
            count = code.local('i32', i32.sub(i32.const(rows), row));
            code.set(count, minimum(count, CHUNK_ROWS));
          } else code.set(from, i32.add(x, times(begin, rows * stride)));
          const to = code.local('i32', i32.add(scratch ?? y, times(begin, stride)));
          emitElements(code, columns, 16, (lanes) => {
            const places = vectorsOf(lanes);
            for (const total of totals.slice(0, places.length)) code.set(total, splat(code, fold.initial));
            code.set(down, from);
            emitTimes(code, count, () => {
              places.forEach((at, index) => {
                code.set(totals[index], fold.vector(totals[index], loadLanes(down, lanes, at)));
              });
              code.increase(down, stride);
            });
            storeLanes(
              code,
              to,
              places.map((_, index) => divide(totals[index])),
              lanes,
            );
            for (const pointer of [from, to]) code.increase(pointer, lanes * FLOAT_BYTES);
          });
        });
      });
      if (chunks === 1) return;
      module.function('combine', kernelParameters(ADDRESSES), (code, { y, scratch, begin, end }) => {
        const sums = new ColumnSums(code);
        const extreme = code.local('v128');
        const from = code.local('i32');
        code.countTo(begin, end, 1, () => {
          const lead = code.local('i32', i32.divU(begin, i32.const(strips.count)));
          const offset = stripOffset(code, i32.remU(begin, i32.const(strips.count)), strips);
          code.set(from, i32.add(i32.add(scratch, offset), times(lead, chunks * stride)));
          sums.reset();
          code.set(extreme, splat(code, fold.initial));
          code.repeat(chunks, () => {
            const value = loadLanes(from, strips.lanes);
            if (fold === SUM) sums.add(value);
            else code.set(extreme, fold.vector(extreme, value));
            code.increase(from, stride);
          });
          const result = fold === SUM ? keep(code, sums.value(divisor)) : extreme;
          storeLanes(code, i32.add(i32.add(y, offset), times(lead, stride)), [result], strips.lanes);
        });
      });
    },
  };
}
