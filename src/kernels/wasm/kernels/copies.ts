/** Strided copies and fills of elements of 4 bytes or of one: what kernels that only move elements are made of. */
import type { DType } from '../../dtype.js';
import { type I32, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { sizeOf } from '../kernel.js';
import { type Count, emitElements, emitTimes, type Lanes, minimum } from './loops.js';
import { times } from './spans.js';

export type ElementBytes = 1 | 4;

const ELEMENT_BYTES: Partial<Record<DType, ElementBytes>> = { float32: 4, int32: 4, int8: 1, uint8: 1, bool: 1 };

/** Bytes of an element, or null for types that these copies do not move. */
export const elementBytesOf = (dtype: DType): ElementBytes | null => ELEMENT_BYTES[dtype] ?? null;

/** A view of an array: where its first element lies and how far apart the others are, in elements. */
export interface View {
  readonly at: number;
  readonly strides: readonly number[];
}

export function denseStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

export const denseView = (shape: readonly number[]): View => ({ at: 0, strides: denseStrides(shape) });

/** Elements of a unit of work. */
const UNIT_ELEMENTS = 4096;

/** A copy of `extents` elements, cut into units of rows or of parts of a row. */
export interface CopyPlan {
  readonly bytes: ElementBytes;
  readonly fromAt: number;
  readonly toAt: number;
  /** Axes without those that a unit walks itself: extent and strides. */
  readonly outer: readonly CopyAxis[];
  readonly rows: CopyAxis;
  readonly row: CopyAxis;
  readonly rowsPerUnit: number;
  readonly blocksPerRow: number;
  readonly units: number;
  readonly key: string;
}

export interface CopyAxis {
  readonly extent: number;
  readonly from: number;
  readonly to: number;
}

const ONE: CopyAxis = { extent: 1, from: 1, to: 1 };

/** Axes without those of one element; neighbours that both sides walk without a jump are one axis. */
export function mergeAxes(extents: readonly number[], from: View, to: View): CopyAxis[] {
  const axes: CopyAxis[] = [];
  extents.forEach((extent, index) => {
    if (extent === 1) return;
    const axis = { extent, from: from.strides[index], to: to.strides[index] };
    const last = axes[axes.length - 1];
    if (last && last.from === axis.from * extent && last.to === axis.to * extent)
      axes[axes.length - 1] = { ...axis, extent: last.extent * extent };
    else axes.push(axis);
  });
  return axes;
}

export function planCopy(extents: readonly number[], from: View, to: View, bytes: ElementBytes): CopyPlan {
  const axes = mergeAxes(extents, from, to);
  let row = axes.pop() ?? ONE;
  let rows = axes.pop() ?? ONE;
  // Elements that do not lie side by side are copied one by one: then the longer axis makes the better loop.
  if ((row.from !== 1 || row.to !== 1) && rows.extent > row.extent) [row, rows] = [rows, row];
  const blocksPerRow = Math.ceil(row.extent / UNIT_ELEMENTS);
  const rowsPerUnit = Math.max(Math.min(Math.floor(UNIT_ELEMENTS / Math.max(row.extent, 1)), rows.extent), 1);
  const size = sizeOf(extents);
  const count = sizeOf(axes.map(({ extent }) => extent)) * Math.ceil(rows.extent / rowsPerUnit) * blocksPerRow;
  const key = [...axes, rows, row].map(({ extent, from, to }) => `${extent}/${from}/${to}`).join(' ');
  return {
    ...{ bytes, outer: axes, rows, row, rowsPerUnit, blocksPerRow },
    ...{ fromAt: from.at, toAt: to.at },
    units: size === 0 ? 0 : count,
    key: `${bytes}: ${from.at} ${to.at} ${key}`,
  };
}

/** Adds `index` times the strides of an axis, in elements, to the pointers. */
function advance(
  code: FunctionBuilder,
  [from, to]: readonly Local<'i32'>[],
  index: I32,
  axis: CopyAxis,
  bytes: number,
): void {
  code.set(from, i32.add(from, i32.mul(index, i32.const(axis.from * bytes))));
  code.set(to, i32.add(to, i32.mul(index, i32.const(axis.to * bytes))));
}

/** Copies the units from `begin` to `end`. */
export function emitCopy(
  code: FunctionBuilder,
  plan: CopyPlan,
  source: Local<'i32'>,
  target: Local<'i32'>,
  begin: Local<'i32'>,
  end: Local<'i32'>,
): void {
  const { bytes, outer, rows, row, rowsPerUnit, blocksPerRow } = plan;
  const pointers = [code.local('i32'), code.local('i32')];
  const [from, to] = pointers;
  const [rest, index] = [code.local('i32'), code.local('i32')];
  /** Takes the innermost index off the rest of the unit's number. */
  const split = (extent: number): void => {
    if (extent === 1) {
      code.set(index, i32.const(0));
      return;
    }
    code.set(index, i32.remU(rest, i32.const(extent)));
    code.set(rest, i32.divU(rest, i32.const(extent)));
  };
  code.countTo(begin, end, 1, () => {
    code.set(rest, begin);
    code.set(from, i32.add(source, i32.const(plan.fromAt * bytes)));
    code.set(to, i32.add(target, i32.const(plan.toAt * bytes)));
    let length: Count = row.extent;
    if (blocksPerRow > 1) {
      split(blocksPerRow);
      code.set(index, times(index, UNIT_ELEMENTS));
      advance(code, pointers, index, row, bytes);
      length = code.local('i32', i32.sub(i32.const(row.extent), index));
      code.set(length, minimum(length, UNIT_ELEMENTS));
    }
    let count: Count = rowsPerUnit;
    if (rowsPerUnit < rows.extent) {
      split(Math.ceil(rows.extent / rowsPerUnit));
      code.set(index, times(index, rowsPerUnit));
      advance(code, pointers, index, rows, bytes);
      count = code.local('i32', i32.sub(i32.const(rows.extent), index));
      code.set(count, minimum(count, rowsPerUnit));
    }
    for (const axis of [...outer].reverse()) {
      split(axis.extent);
      advance(code, pointers, index, axis, bytes);
    }
    if (count === 1) emitRow(code, row, length, bytes, from, to);
    else {
      const [rowFrom, rowTo] = [code.local('i32'), code.local('i32')];
      emitTimes(code, count, () => {
        code.set(rowFrom, from);
        code.set(rowTo, to);
        emitRow(code, row, length, bytes, rowFrom, rowTo);
        code.increase(from, rows.from * bytes);
        code.increase(to, rows.to * bytes);
      });
    }
  });
}

/** Copies a row, the pointers walking along it. */
function emitRow(
  code: FunctionBuilder,
  row: CopyAxis,
  length: Count,
  bytes: ElementBytes,
  from: Local<'i32'>,
  to: Local<'i32'>,
): void {
  const single = (): void => code.do(bytes === 4 ? i32.store(to, i32.load(from)) : i32.store8(to, i32.load8U(from)));
  const move = (elements: number): void => {
    code.increase(from, elements * row.from * bytes);
    code.increase(to, elements * row.to * bytes);
  };
  if (row.from === 1 && row.to === 1) {
    emitVectors(code, length, bytes, to, (at) => v128.load(from, at), single, move);
    return;
  }
  emitTimes(code, length, () => {
    single();
    move(1);
  });
}

/** A loop over elements side by side: whole vectors, then one element at a time. */
function emitVectors(
  code: FunctionBuilder,
  length: Count,
  bytes: ElementBytes,
  to: Local<'i32'>,
  vector: (at: number) => V128,
  single: () => void,
  move: (elements: number) => void,
): void {
  const perVector = 16 / bytes;
  const widths: Lanes[] = bytes === 4 ? [16, 4, 1] : [16, 1];
  emitElements(
    code,
    length,
    16,
    (elements) => {
      if (elements < perVector) single();
      else {
        for (const { at, paired } of pairsOf(elements / perVector)) {
          if (paired) code.do(v128.storePair(to, vector(at), vector(at + 16), at));
          else code.do(v128.store(to, vector(at), at));
        }
      }
      move(elements);
    },
    widths,
  );
}

/** Byte positions of vectors, two by two. */
const pairsOf = (vectors: number): { readonly at: number; readonly paired: boolean }[] =>
  Array.from({ length: Math.ceil(vectors / 2) }, (_, pair) => ({ at: pair * 32, paired: 2 * pair + 1 < vectors }));

/** Elements of a unit of a fill. */
export const fillUnits = (length: number): number => Math.ceil(length / UNIT_ELEMENTS);

/** Four bytes of elements of a value, as an integer. */
function patternOf(value: number, dtype: DType): number {
  if (dtype === 'float32') return new Int32Array(Float32Array.of(value).buffer)[0];
  if (dtype === 'int32') return value | 0;
  return Math.imul(value & 255, 0x01010101);
}

/** Sets the units from `begin` to `end` of a tensor of `length` elements to a value. */
export function emitFillUnits(
  code: FunctionBuilder,
  target: Local<'i32'>,
  { length, dtype, value }: { readonly length: number; readonly dtype: DType; readonly value: number },
  begin: Local<'i32'>,
  end: Local<'i32'>,
): void {
  const bytes = elementBytesOf(dtype) ?? 4;
  const pattern = patternOf(value, dtype);
  const vector = code.local('v128', i32x4.splat(i32.const(pattern)));
  code.countTo(begin, end, 1, () => {
    const start = code.local('i32', times(begin, UNIT_ELEMENTS));
    const to = code.local('i32', i32.add(target, times(start, bytes)));
    const count = code.local('i32', i32.sub(i32.const(length), start));
    code.set(count, minimum(count, UNIT_ELEMENTS));
    const single = (): void =>
      code.do(bytes === 4 ? i32.store(to, i32.const(pattern)) : i32.store8(to, i32.const(pattern & 255)));
    emitVectors(
      code,
      count,
      bytes,
      to,
      () => vector,
      single,
      (elements) => code.increase(to, elements * bytes),
    );
  });
}
