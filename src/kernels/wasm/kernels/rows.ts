/**
 * The loop of elementwise kernels, with broadcasting. Axes that all operands walk alike are merged, which leaves rows
 * along which an operand moves by one element or stays. A cell is what shares the operands that stay: a row, a block of
 * a long one, or, of short ones, as many along the first axis as make up a good length. Cells are what sums are made
 * of, and some neighbouring cells are a unit of work; both are cut by shape alone.
 */
import type { TensorType } from '../../contract.js';
import type { DType } from '../../dtype.js';
import { extendLow, type I32, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { sizeOf } from '../kernel.js';
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
import { times } from './spans.js';
import { integers } from './vectors.js';

/** Elements in a block of a row: small enough for the first-level cache, large enough to be worth a call. */
const BLOCK = 4096;
/** The same where sums are made. */
const SUM_BLOCK = 8192;
/** Rows shorter than this are joined along the first axis. */
const JOINED = SUM_CHUNK;

/** An operand or output as the loop walks it: element strides of the axes, 0 where it is broadcast. */
export interface Walk {
  readonly dtype: DType;
  readonly strides: readonly number[];
}

/** Extents that a tensor is seen under while sums along the first and last are made. */
export type Cut = readonly [outer: number, channels: number, length: number];

export interface RowPlan {
  /** Merged extents; the last is the row. */
  readonly extents: readonly number[];
  /** Operands, then outputs, under the merged extents. */
  readonly walks: readonly Walk[];
  /** Rows along the first axis in a cell. More than one only where there is more than one axis. */
  readonly rowsPerCell: number;
  /** Elements of a row in a cell, and how many such blocks a row has. */
  readonly block: number;
  readonly blocksPerRow: number;
  readonly cells: number;
  readonly cellsPerUnit: number;
  readonly units: number;
  readonly key: string;
}

const ELEMENT_SHIFT: Partial<Record<DType, number>> = { float32: 2, int32: 2, bool: 0 };
const shiftOf = ({ dtype }: { readonly dtype: DType }): number => ELEMENT_SHIFT[dtype] ?? 2;

/** Whether the loop can read and write these dtypes. */
export const rowDTypes = (dtype: DType): boolean => dtype in ELEMENT_SHIFT;

/** Strides of a dense tensor of `shape` under the axes of `out`, 0 where it is broadcast. */
export function stridesUnder(shape: readonly number[], out: readonly number[]): number[] {
  const strides = new Array<number>(out.length).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) strides[axis + out.length - shape.length] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** The extents of a shape without those of 1. */
export const wideExtents = (shape: readonly number[]): number[] => shape.filter((extent) => extent !== 1);

/** How a tensor of `shape` walks under the wide extents of `out`. */
export const walkUnder = ({ shape, dtype }: TensorType, out: readonly number[]): Walk => ({
  dtype,
  strides: stridesUnder(shape, out).filter((_, axis) => out[axis] !== 1),
});

/** The loop over one output with operands that broadcast to it. */
export const planRows = (operands: readonly TensorType[], out: TensorType): RowPlan =>
  planWalks(
    wideExtents(out.shape),
    [...operands, out].map((each) => walkUnder(each, out.shape)),
  ) as RowPlan;

/**
 * @param extents What the walks' strides belong to.
 * @param cut What sums are made of. The walks then keep to it.
 * @returns null if the walks do not fit the cut
 */
export function planWalks(extents: readonly number[], walks: readonly Walk[], cut?: Cut): RowPlan | null {
  const size = sizeOf(extents);
  const merged = size === 0 ? null : cut ? fitted(extents, walks, cut) : mergedAxes(extents, walks);
  if (size === 0 || !merged) return size === 0 ? emptyPlan(walks) : null;
  const row = merged.extents[merged.extents.length - 1];
  const first = merged.extents.length > 1 ? merged.extents[0] : 1;
  const block = cut ? SUM_BLOCK : BLOCK;
  const blocksPerRow = Math.ceil(row / block);
  const alike = merged.walks.every(staysAlong);
  const joined = Math.min(Math.max(Math.floor(JOINED / row), 1), first);
  if (cut && joined > 1 && !alike) return null;
  const rowsPerCell = first > 1 && alike ? joined : 1;
  const cells = (size / row / first) * Math.ceil(first / rowsPerCell) * blocksPerRow;
  const cellsPerUnit = Math.max(Math.floor(block / (Math.min(row, block) * rowsPerCell)), 1);
  const walked = merged.walks.map(({ strides, dtype }) => `${dtype}/${strides.join(',')}`).join(';');
  return {
    ...merged,
    rowsPerCell,
    block,
    blocksPerRow,
    cells,
    cellsPerUnit,
    units: Math.ceil(cells / cellsPerUnit),
    key: `${merged.extents.join('x')}:${walked}${cut ? ' cut' : ''}`,
  };
}

/** Whether an operand that stays along rows also stays along the first axis, so that rows can be joined. */
const staysAlong = ({ strides }: Walk): boolean => strides[strides.length - 1] !== 0 || strides[0] === 0;

/** Whether all walks keep to a cut; see `planWalks`. */
export const fitCut = (extents: readonly number[], walks: readonly Walk[], cut: Cut): boolean =>
  planWalks(extents, walks, cut) !== null;

const emptyPlan = (walks: readonly Walk[]): RowPlan => ({
  extents: [0],
  walks: walks.map(({ dtype }) => ({ dtype, strides: [1] })),
  ...{ rowsPerCell: 1, block: 1, blocksPerRow: 1, cells: 0, cellsPerUnit: 1, units: 0, key: `empty ${walks.length}` },
});

interface MergedAxes {
  readonly extents: number[];
  readonly walks: Walk[];
}

/** Joins an axis to the one before it if every walk's strides continue through both. */
function mergedAxes(extents: readonly number[], walks: readonly Walk[]): MergedAxes {
  const merged: number[] = [];
  const strides: number[][] = walks.map(() => []);
  extents.forEach((extent, axis) => {
    const last = merged.length - 1;
    if (last >= 0 && walks.every((walk, index) => strides[index][last] === walk.strides[axis] * extent)) {
      merged[last] *= extent;
      walks.forEach((walk, index) => {
        strides[index][last] = walk.strides[axis];
      });
    } else {
      merged.push(extent);
      walks.forEach((walk, index) => {
        strides[index].push(walk.strides[axis]);
      });
    }
  });
  if (merged.length === 0) {
    merged.push(1);
    for (const each of strides) each.push(1);
  }
  return { extents: merged, walks: walks.map(({ dtype }, index) => ({ dtype, strides: strides[index] })) };
}

/** The walks under the three extents of a cut, or null. */
function fitted(extents: readonly number[], walks: readonly Walk[], cut: Cut): MergedAxes | null {
  const rest = [...extents.keys()];
  const parts = cut.map((wanted, index) => {
    const axes: number[] = [];
    for (let product = 1; index === 2 ? rest.length > 0 : product < wanted; ) {
      const axis = rest.shift();
      if (axis === undefined) return null;
      axes.push(axis);
      product *= extents[axis];
    }
    const taken = axes.map((axis) => extents[axis]);
    if (sizeOf(taken) !== wanted) return null;
    const within = walks.map(({ dtype, strides }) => ({ dtype, strides: axes.map((axis) => strides[axis]) }));
    const { extents: joined, walks: walked } = mergedAxes(taken, within);
    if (joined.length > 1) return null;
    // Along an axis of one element nothing moves, but a row of one still has to be written.
    const still = (each: number): boolean => wanted === 1 && (index < 2 || walks[each].strides.includes(0));
    return walked.map(({ strides }, each) => (still(each) ? 0 : strides[0]));
  });
  if (parts.some((part) => part === null)) return null;
  return {
    extents: [...cut],
    walks: walks.map(({ dtype }, index) => ({ dtype, strides: parts.map((part) => (part as number[])[index]) })),
  };
}

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
  emitElements(code, count, 8, (lanes) => {
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
      emitTimes(code, rows, () => {
        elements(count);
        walks.forEach((walk, index) => {
          const gap = walk.strides[0] - (walk.strides[rowAxis] === 0 ? 0 : extents[rowAxis]);
          if (gap !== 0) code.increase(pointers[index], gap * 2 ** shiftOf(walk));
        });
      });
      flush?.();
    }
    body.sums?.end(cell);
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
