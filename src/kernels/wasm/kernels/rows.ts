/** The loop of elementwise kernels over the cells of a plan. */
import type { DType } from '../../dtype.js';
import { extendLow, type I32, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import {
  type Count,
  emitChunks,
  emitElements,
  emitTimes,
  type Lanes,
  loadLanes,
  minimum,
  SUM_CHUNK,
  storeLanes,
  vectorsOf,
} from './loops.js';
import type { RowPlan, Walk } from './rowPlan.js';
import { times } from './spans.js';
import { integers } from './vectors.js';

/** Most elements of a step of the loop. */
const WIDEST: Lanes = 8;

const ELEMENT_SHIFT: Partial<Record<DType, number>> = { float32: 2, int32: 2, bool: 0 };
const shiftOf = ({ dtype }: { readonly dtype: DType }): number => ELEMENT_SHIFT[dtype] ?? 2;

/** Whether the loop can read and write these dtypes. */
export const rowDTypes = (dtype: DType): boolean => dtype in ELEMENT_SHIFT;

/** Reads four elements (or, with one lane, one into the first lane) as they are; bools become masks. */
function read(code: FunctionBuilder, dtype: DType, pointer: I32, lanes: Lanes, at: number): V128 {
  if (dtype !== 'bool') return loadLanes(pointer, lanes, at);
  const bytes = lanes === 1 ? i32x4.splat(i32.load8U(pointer, at)) : v128.load32Zero(pointer, at);
  return maskOf(code, extendLow.i16x8ToI32x4U(extendLow.i8x16ToI16x8U(bytes)));
}

const maskOf = (code: FunctionBuilder, integer: V128): V128 => i32x4.gtS(integer, integers(code, 0));

/** Writes the vectors of a step; of a mask, a lane's first bit. */
function write(code: FunctionBuilder, dtype: DType, pointer: I32, values: readonly V128[], lanes: Lanes): void {
  if (dtype !== 'bool') {
    storeLanes(code, pointer, values, lanes);
    return;
  }
  const bits = values.map((value) => v128.and(value, integers(code, 1)));
  if (lanes === 1) {
    code.do(i32.store8(pointer, i32x4.extractLane(bits[0], 0)));
    return;
  }
  const firstBytes = [0, 4, 8, 12];
  bits.forEach((value, index) => {
    const packed = v128.shuffle(value, value, [...firstBytes, ...firstBytes, ...firstBytes, ...firstBytes]);
    code.do(i32.store(pointer, i32x4.extractLane(packed, 0), index * 4));
  });
}

/** The element at a pointer in all lanes; a bool as a mask. */
export const splatAt = (code: FunctionBuilder, dtype: DType, pointer: Local<'i32'>): V128 =>
  dtype === 'bool' ? maskOf(code, i32x4.splat(i32.load8U(pointer))) : v128.load32Splat(pointer);

/** How an operand or output is walked along a row: by an element at a time, or not at all. */
export interface RowWalk {
  readonly dtype: DType;
  readonly moves: boolean;
}

/** Operands, then outputs. */
interface RowPointers {
  readonly pointers: readonly Local<'i32'>[];
  /** Of operands that stay, what they point at, in all lanes. */
  readonly constants: readonly (Local<'v128'> | null)[];
  /** How many are operands. */
  readonly inputs: number;
}

/** The loop over a row or a part of one. */
export function emitRow(
  code: FunctionBuilder,
  count: Count,
  walks: readonly RowWalk[],
  { pointers, constants, inputs }: RowPointers,
  values: CellBody['values'],
): void {
  emitElements(code, count, WIDEST, (lanes) => {
    const vectors = vectorsOf(lanes).map((at) => {
      const operands = walks
        .slice(0, inputs)
        .map(({ dtype }, index) => constants[index] ?? read(code, dtype, pointers[index], lanes, at));
      return values(operands, at, lanes);
    });
    walks.slice(inputs).forEach(({ dtype }, output) => {
      const written = vectors.map((each) => each[output]);
      write(code, dtype, pointers[inputs + output], written, lanes);
    });
    walks.forEach((walk, index) => {
      if (walk.moves) code.increase(pointers[index], lanes << shiftOf(walk));
    });
  });
}

/** What is done in the cells of a loop. Bools are masks. */
export interface CellBody {
  /** Run where a cell begins, with the operands that stay the same in it, as vectors (null for the others). */
  readonly begin?: (constants: readonly (V128 | null)[]) => void;
  /** Values of the outputs for four lanes of the operands. */
  readonly values: (operands: readonly V128[], at: number, lanes: Lanes) => readonly V128[];
  /** Run around at most `SUM_CHUNK` elements, and where the cell ends. */
  readonly sums?: {
    readonly clear: () => void;
    readonly flush: () => void;
    readonly end: (cell: Local<'i32'>) => void;
  };
}

/** The loop over the cells of units `begin` to `end`. `addresses` are the operands', then the outputs'. */
export function emitCells(
  code: FunctionBuilder,
  plan: RowPlan,
  addresses: readonly Local<'i32'>[],
  begin: Local<'i32'>,
  end: Local<'i32'>,
  outputs: number,
  body: CellBody,
): void {
  const { walks, cells, cellsPerUnit, extents } = plan;
  if (cells === 0) return;
  const inputs = walks.length - outputs;
  const rowAxis = extents.length - 1;
  const pointers = walks.map(() => code.local('i32'));
  const constants = walks.map(({ strides }, index) =>
    index < inputs && strides[rowAxis] === 0 ? code.local('v128') : null,
  );
  const cell = code.local('i32', times(begin, cellsPerUnit));
  const last = code.local('i32', times(end, cellsPerUnit));
  if (cellsPerUnit > 1) code.set(last, minimum(last, cells));
  const { clear, flush } = body.sums ?? {};
  const moving = walks.map(({ dtype, strides }) => ({ dtype, moves: strides[rowAxis] !== 0 }));
  const elements = (count: Count): void => emitRow(code, count, moving, { pointers, constants, inputs }, body.values);
  code.countTo(cell, last, 1, () => {
    const { rows, count } = locateCell(code, plan, cell, addresses, pointers);
    constants.forEach((local, index) => {
      if (local) code.set(local, splatAt(code, walks[index].dtype, pointers[index]));
    });
    body.begin?.(constants.slice(0, inputs));
    if (plan.rowsPerCell === 1 && !body.sums) {
      elements(count);
    } else if (plan.rowsPerCell === 1) {
      emitChunks(code, count, SUM_CHUNK, (part) => {
        clear?.();
        elements(part);
        flush?.();
      });
    } else {
      clear?.();
      emitJoinedRows(code, rows, extents[rowAxis], elements, () =>
        walks.forEach((walk, index) => {
          const gap = walk.strides[0] - (walk.strides[rowAxis] === 0 ? 0 : extents[rowAxis]);
          if (gap !== 0) code.increase(pointers[index], gap * 2 ** shiftOf(walk));
        }),
      );
      flush?.();
    }
    body.sums?.end(cell);
  });
}

/**
 * Rows one after the other. Those of whole steps are one loop, not one in another: V8 finds no good place for the many
 * vectors that live through both.
 */
function emitJoinedRows(
  code: FunctionBuilder,
  rows: Count,
  length: number,
  elements: (count: Count) => void,
  nextRow: () => void,
): void {
  const steps = length / WIDEST;
  if (!Number.isInteger(steps) || steps === 1) {
    emitTimes(code, rows, () => {
      elements(length);
      nextRow();
    });
    return;
  }
  const step = code.local('i32', i32.const(0));
  emitTimes(code, typeof rows === 'number' ? rows * steps : code.local('i32', times(rows, steps)), () => {
    elements(WIDEST);
    code.increase(step, 1);
    code.if(i32.eq(step, i32.const(steps)), () => {
      nextRow();
      code.set(step, i32.const(0));
    });
  });
}

/** Points at the beginning of a cell; how many rows it has and how long they are. */
function locateCell(
  code: FunctionBuilder,
  { extents, walks, blocksPerRow, block, rowsPerCell }: RowPlan,
  cell: Local<'i32'>,
  addresses: readonly Local<'i32'>[],
  pointers: readonly Local<'i32'>[],
): { readonly rows: Count; readonly count: Count } {
  const rowAxis = extents.length - 1;
  const row = extents[rowAxis];
  const rest = code.local('i32', cell);
  const position = code.local('i32');
  walks.forEach((_, index) => {
    code.set(pointers[index], addresses[index]);
  });
  const move = (stride: (walk: Walk) => number): void => {
    walks.forEach((walk, index) => {
      const bytes = stride(walk) * 2 ** shiftOf(walk);
      if (bytes !== 0) code.increase(pointers[index], times(position, bytes));
    });
  };
  let [rows, count]: Count[] = [1, row];
  if (blocksPerRow > 1) {
    code.set(position, i32.remU(rest, i32.const(blocksPerRow)));
    code.set(rest, i32.divU(rest, i32.const(blocksPerRow)));
    move(({ strides }) => strides[rowAxis] * block);
    count = code.local('i32', i32.sub(i32.const(row), times(position, block)));
    code.set(count, minimum(count, block));
  }
  for (let axis = rowAxis - 1; axis >= 0; axis--) {
    if (extents[axis] === 1) continue;
    code.set(position, axis === 0 ? times(rest, rowsPerCell) : i32.remU(rest, i32.const(extents[axis])));
    if (axis > 0) code.set(rest, i32.divU(rest, i32.const(extents[axis])));
    move(({ strides }) => strides[axis]);
  }
  if (rowsPerCell > 1) {
    rows = rowsPerCell;
    if (extents[0] % rowsPerCell !== 0) {
      rows = code.local('i32', i32.sub(i32.const(extents[0]), position));
      code.set(rows, minimum(rows, rowsPerCell));
    }
  }
  return { rows, count };
}

/** What a kernel does to four lanes. */
export interface LaneFunction {
  /** Run where a row begins, with the operands that stay the same along it, as vectors (null for the others). */
  readonly prepare?: (code: FunctionBuilder, constants: readonly (V128 | null)[]) => readonly V128[];
  /** Four lanes of the output. `prepared` is what `prepare` gave. */
  readonly value: (code: FunctionBuilder, operands: readonly V128[], prepared: readonly V128[]) => V128;
}

/** The loop for one function and one output. `addresses` are the operands' and then the output's. */
export function emitRows(
  code: FunctionBuilder,
  plan: RowPlan,
  addresses: readonly Local<'i32'>[],
  begin: Local<'i32'>,
  end: Local<'i32'>,
  { prepare, value }: LaneFunction,
): void {
  let prepared: readonly V128[] = [];
  emitCells(code, plan, addresses, begin, end, 1, {
    begin(constants) {
      prepared = prepare?.(code, constants) ?? [];
    },
    values: (operands) => [value(code, operands, prepared)],
  });
}
