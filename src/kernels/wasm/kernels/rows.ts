/**
 * Elementwise loops with broadcasting. Axes that all operands walk alike are merged, which leaves rows along which an
 * operand moves by one element or stays; a row is cut into blocks, and a block is a unit of work.
 */
import type { DType } from '../../dtype.js';
import { extendLow, f32, f32x4, type I32, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { sizeOf } from '../kernel.js';

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
function stridesUnder(shape: readonly number[], out: readonly number[]): number[] {
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

/** Reads four elements (or, with `single`, one into the first lane) as float32, or bools as numbers 0 and 1. */
function read(dtype: DType, address: I32, single: boolean, offset: number): V128 {
  if (dtype === 'float32') return single ? v128.load32Zero(address, offset) : v128.load(address, offset);
  const bytes = single ? i32x4.splat(i32.load8U(address, offset)) : v128.load32Zero(address, offset);
  return f32x4.convertI32x4S(extendLow.i16x8ToI32x4U(extendLow.i8x16ToI16x8U(bytes)));
}

/** Writes four elements, or the first lane; masks become bools. */
function write(code: FunctionBuilder, dtype: DType, address: I32, value: V128, single: boolean): void {
  if (dtype === 'float32') {
    code.do(single ? f32.store(address, f32x4.extractLane(value, 0)) : v128.store(address, value));
    return;
  }
  const bits = v128.and(value, i32x4.splat(i32.const(1)));
  if (single) code.do(i32.store8(address, i32x4.extractLane(bits, 0)));
  else
    code.do(
      i32.store(
        address,
        i32x4.extractLane(v128.shuffle(bits, bits, [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12]), 0),
      ),
    );
}

/** Whether the loop can read and write these dtypes. */
export const rowDTypes = (input: DType): boolean => input === 'float32' || input === 'bool';

/**
 * The loop itself. `addresses` are the operands' and then the output's; `value` computes four lanes of the output.
 */
export function emitRows(
  code: FunctionBuilder,
  plan: RowPlan,
  addresses: readonly Local<'i32'>[],
  begin: Local<'i32'>,
  end: Local<'i32'>,
  value: (code: FunctionBuilder, operands: readonly V128[]) => V128,
): void {
  const { extents, walks, blocksPerRow } = plan;
  const row = extents[extents.length - 1];
  const rowAxis = extents.length - 1;
  const shift = (walk: Walk): number => ELEMENT_SHIFT[walk.dtype] ?? 2;
  const unit = code.local('i32', begin);
  const pointers = walks.map(() => code.local('i32'));
  const block = code.local('i32');
  const rest = code.local('i32');
  const count = code.local('i32');
  const broadcasts = walks.map((walk, index) =>
    index < walks.length - 1 && walk.strides[rowAxis] === 0 ? code.local('v128') : null,
  );
  const step = (single: boolean): void => {
    const operands = walks
      .slice(0, -1)
      .map((walk, index) => broadcasts[index] ?? read(walk.dtype, pointers[index], single, 0));
    const output = walks.length - 1;
    write(code, walks[output].dtype, pointers[output], value(code, operands), single);
    walks.forEach((walk, index) => {
      if (walk.strides[rowAxis] !== 0) code.increase(pointers[index], (single ? 1 : 4) << shift(walk));
    });
    code.increase(count, single ? -1 : -4);
  };
  code.countTo(unit, end, 1, () => {
    code.set(block, blocksPerRow === 1 ? i32.const(0) : i32.remU(unit, i32.const(blocksPerRow)));
    code.set(rest, blocksPerRow === 1 ? unit : i32.divU(unit, i32.const(blocksPerRow)));
    walks.forEach((walk, index) => {
      const start =
        walk.strides[rowAxis] === 0
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
    broadcasts.forEach((local, index) => {
      if (!local) return;
      const { dtype } = walks[index];
      code.set(
        local,
        dtype === 'float32'
          ? v128.load32Splat(pointers[index])
          : f32x4.splat(f32.convertI32S(i32.load8U(pointers[index]))),
      );
    });
    const last = row - (blocksPerRow - 1) * BLOCK;
    code.set(
      count,
      blocksPerRow === 1
        ? i32.const(row)
        : i32.add(i32.const(BLOCK), i32.mul(i32.eq(block, i32.const(blocksPerRow - 1)), i32.const(last - BLOCK))),
    );
    code.if(i32.geS(count, i32.const(4)), () =>
      code.doWhile(
        () => step(false),
        () => i32.geS(count, i32.const(4)),
      ),
    );
    code.if(i32.gtS(count, i32.const(0)), () =>
      code.doWhile(
        () => step(true),
        () => i32.gtS(count, i32.const(0)),
      ),
    );
  });
}
