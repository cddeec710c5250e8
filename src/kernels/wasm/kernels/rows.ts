/**
 * Elementwise loops with broadcasting. Axes that all operands walk alike are merged, which leaves rows along which an
 * operand moves by one element or stays; a row is cut into blocks, and a block is a unit of work.
 */
import type { DType } from '../../dtype.js';
import { extendLow, f32, f32x4, type I32, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { sizeOf } from '../kernel.js';
import { type Count, emitElements, type Lanes, loadLanes, minimum, storeLanes, vectorsOf } from './loops.js';
import { integers } from './vectors.js';

/** Elements in a unit of work: small enough for the first-level cache, large enough to be worth a call. */
const BLOCK = 4096;

/** An operand as the loop walks it: element strides of the merged axes, 0 where it is broadcast. */
interface Walk {
  readonly dtype: DType;
  readonly strides: readonly number[];
}

export interface RowPlan {
  /** Merged extents; the last is the row. */
  readonly extents: readonly number[];
  readonly walks: readonly Walk[];
  readonly blocksPerRow: number;
  readonly units: number;
  readonly key: string;
}

const ELEMENT_SHIFT: Partial<Record<DType, number>> = { float32: 2, int32: 2, bool: 0, uint8: 0, int8: 0 };

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

/** Plans the walk over `out` with operands that broadcast to it; the output itself is the last walk. */
export function planRows(
  operands: readonly { readonly shape: readonly number[]; readonly dtype: DType }[],
  out: { readonly shape: readonly number[]; readonly dtype: DType },
): RowPlan {
  const all = [...operands, out].map(({ shape }) => stridesUnder(shape, out.shape));
  const extents: number[] = [];
  const merged: number[][] = all.map(() => []);
  out.shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = extents.length - 1;
    // An axis joins the one before it if every operand's strides continue through both.
    if (last >= 0 && all.every((strides, index) => merged[index][last] === strides[axis] * extent)) {
      extents[last] *= extent;
      merged.forEach((strides, index) => {
        strides[last] = all[index][axis];
      });
    } else {
      extents.push(extent);
      merged.forEach((strides, index) => {
        strides.push(all[index][axis]);
      });
    }
  });
  if (extents.length === 0) {
    extents.push(1);
    for (const strides of merged) strides.push(1);
  }
  const row = extents[extents.length - 1];
  const blocksPerRow = Math.ceil(row / BLOCK);
  const walks = merged.map((strides, index) => ({
    strides,
    dtype: index < operands.length ? operands[index].dtype : out.dtype,
  }));
  const key = `${extents.join('x')}:${walks.map(({ strides, dtype }) => `${dtype}/${strides.join(',')}`).join(';')}`;
  return {
    extents,
    walks,
    blocksPerRow,
    units: sizeOf(out.shape) === 0 ? 0 : (sizeOf(out.shape) / row) * blocksPerRow,
    key,
  };
}

/** Reads four elements (or, with one lane, one into the first lane) as they are, or bools as float32 0 and 1. */
function read(dtype: DType, pointer: I32, lanes: Lanes, at: number): V128 {
  if (dtype !== 'bool') return loadLanes(pointer, lanes, at);
  const bytes = lanes === 1 ? i32x4.splat(i32.load8U(pointer, at)) : v128.load32Zero(pointer, at);
  return f32x4.convertI32x4S(extendLow.i16x8ToI32x4U(extendLow.i8x16ToI16x8U(bytes)));
}

/** Writes the vectors of a step; for bools these are masks, of which a lane's first bit is kept. */
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

/** Whether the loop can read and write these dtypes. */
export const rowDTypes = (dtype: DType): boolean => dtype === 'float32' || dtype === 'int32' || dtype === 'bool';

export interface RowBody {
  /** Run where a row begins, with the operands that stay the same along it, as vectors (null for the others). */
  readonly prepare?: (code: FunctionBuilder, constants: readonly (V128 | null)[]) => readonly V128[];
  /** Four lanes of the output. `prepared` is what `prepare` gave. */
  readonly value: (code: FunctionBuilder, operands: readonly V128[], prepared: readonly V128[]) => V128;
}

/** The loop itself. `addresses` are the operands' and then the output's. */
export function emitRows(
  code: FunctionBuilder,
  plan: RowPlan,
  addresses: readonly Local<'i32'>[],
  begin: Local<'i32'>,
  end: Local<'i32'>,
  { prepare, value }: RowBody,
): void {
  const { extents, walks, blocksPerRow } = plan;
  const rowAxis = extents.length - 1;
  const row = extents[rowAxis];
  const shift = (walk: Walk): number => ELEMENT_SHIFT[walk.dtype] ?? 2;
  const unit = code.local('i32', begin);
  const pointers = walks.map(() => code.local('i32'));
  const block = code.local('i32');
  const rest = code.local('i32');
  const output = walks.length - 1;
  const constants = walks.map((walk, index) =>
    index < output && walk.strides[rowAxis] === 0 ? code.local('v128') : null,
  );
  code.countTo(unit, end, 1, () => {
    code.set(block, blocksPerRow === 1 ? i32.const(0) : i32.remU(unit, i32.const(blocksPerRow)));
    code.set(rest, blocksPerRow === 1 ? unit : i32.divU(unit, i32.const(blocksPerRow)));
    walks.forEach((walk, index) => {
      const start =
        blocksPerRow === 1 || walk.strides[rowAxis] === 0
          ? addresses[index]
          : i32.add(addresses[index], i32.shl(block, i32.const(Math.log2(BLOCK) + shift(walk))));
      code.set(pointers[index], start);
    });
    for (let axis = rowAxis - 1; axis >= 0; axis--) {
      const position = axis === 0 ? rest : i32.remU(rest, i32.const(extents[axis]));
      walks.forEach((walk, index) => {
        if (walk.strides[axis] !== 0)
          code.increase(pointers[index], i32.mul(position, i32.const(walk.strides[axis] << shift(walk))));
      });
      if (axis > 0) code.set(rest, i32.divU(rest, i32.const(extents[axis])));
    }
    constants.forEach((local, index) => {
      if (!local) return;
      const { dtype } = walks[index];
      code.set(
        local,
        dtype !== 'bool'
          ? v128.load32Splat(pointers[index])
          : f32x4.splat(f32.convertI32S(i32.load8U(pointers[index]))),
      );
    });
    const prepared = prepare?.(code, constants) ?? [];
    let count: Count = row;
    if (blocksPerRow > 1) {
      count = code.local('i32');
      code.set(count, i32.sub(i32.const(row), i32.shl(block, i32.const(Math.log2(BLOCK)))));
      code.set(count, minimum(count, BLOCK));
    }
    emitElements(code, count, 8, (lanes) => {
      const vectors = vectorsOf(lanes).map((at) =>
        value(
          code,
          walks.slice(0, output).map(({ dtype }, index) => constants[index] ?? read(dtype, pointers[index], lanes, at)),
          prepared,
        ),
      );
      write(code, walks[output].dtype, pointers[output], vectors, lanes);
      walks.forEach((walk, index) => {
        if (walk.strides[rowAxis] !== 0) code.increase(pointers[index], lanes << shift(walk));
      });
    });
  });
}
