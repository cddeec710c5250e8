/**
 * Gathering of rows by index, and its gradient. A negative index counts from the end; one outside the axis reads zero
 * and receives nothing.
 */
import type { TensorType } from '../../contract.js';
import { f32x4, i32 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import { emitElements, emitMap, FLOAT_BYTES, isFloat32, minimum, storeLanes, vectorsOf } from './loops.js';
import { times } from './spans.js';
import { splat } from './vectors.js';

/** Columns of a unit of the gradient, which goes through all indices. */
const UNIT_COLUMNS = 256;

/** Data as [outer, extent, inner], read by `count` indices. */
interface GatherShape {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
  readonly count: number;
}

function shapeOf(data: TensorType, indices: TensorType, axis: number): GatherShape {
  return {
    outer: sizeOf(data.shape.slice(0, axis)),
    extent: data.shape[axis],
    inner: sizeOf(data.shape.slice(axis + 1)),
    count: sizeOf(indices.shape),
  };
}

/** The position that the index at `address` means; negative or beyond the axis where it means none. */
export function emitPosition(
  code: FunctionBuilder,
  position: Local<'i32'>,
  address: Local<'i32'>,
  extent: number,
): void {
  code.set(position, i32.load(address));
  code.if(i32.ltS(position, i32.const(0)), () => code.increase(position, extent));
}

export const gather: WasmKernel<'gather'> = ([data, indices], { axis }) => {
  if (!isFloat32(data) || indices.dtype !== 'int32') return null;
  const shape = shapeOf(data, indices, axis);
  return {
    key: `gather ${Object.values(shape)}`,
    phases: [{ name: 'run', units: shape.inner === 0 ? 0 : shape.outer * shape.count }],
    build: (module) => defineGather(module, shape),
  };
};

/** A unit copies one row. */
function defineGather(module: ModuleBuilder, { extent, inner, count }: GatherShape): void {
  const rowBytes = inner * FLOAT_BYTES;
  module.function('run', kernelParameters(['data', 'indices', 'y']), (code, parameters) => {
    const { begin, end, data, indices, y } = parameters;
    const [address, position] = [code.local('i32'), code.local('i32')];
    const [from, to] = [code.local('i32'), code.local('i32')];
    code.countTo(begin, end, 1, () => {
      code.set(address, i32.add(indices, times(i32.remU(begin, i32.const(count)), 4)));
      emitPosition(code, position, address, extent);
      code.set(to, i32.add(y, times(begin, rowBytes)));
      code.if(
        i32.ltU(position, i32.const(extent)),
        () => {
          const row = i32.add(times(i32.divU(begin, i32.const(count)), extent), position);
          code.set(from, i32.add(data, times(row, rowBytes)));
          emitMap(code, inner, [from], to, ([value]) => value);
        },
        () =>
          emitElements(code, inner, 8, (lanes) => {
            storeLanes(
              code,
              to,
              vectorsOf(lanes).map(() => splat(code, 0)),
              lanes,
            );
            code.increase(to, lanes * FLOAT_BYTES);
          }),
      );
    });
  });
}

export const gatherGradient: WasmKernel<'gatherGradient'> = ([g, indices], { axis }, [dData]) => {
  if (!isFloat32(g, dData) || indices.dtype !== 'int32') return null;
  const shape = shapeOf(dData, indices, axis);
  return {
    key: `gatherGradient ${Object.values(shape)}`,
    phases: [{ name: 'run', units: shape.outer * Math.ceil(shape.inner / UNIT_COLUMNS) }],
    build: (module) => defineGradient(module, shape),
  };
};

/** A unit has some columns of all rows to itself: it clears them and adds to them in the order of the indices. */
function defineGradient(module: ModuleBuilder, { extent, inner, count }: GatherShape): void {
  const rowBytes = inner * FLOAT_BYTES;
  const blocks = Math.ceil(inner / UNIT_COLUMNS);
  module.function('run', kernelParameters(['g', 'indices', 'dData']), (code, parameters) => {
    const { begin, end, g, indices, dData } = parameters;
    const [address, position] = [code.local('i32'), code.local('i32')];
    const [from, to] = [code.local('i32'), code.local('i32')];
    code.countTo(begin, end, 1, () => {
      const start = code.local('i32', times(i32.remU(begin, i32.const(blocks)), UNIT_COLUMNS));
      const block = code.local('i32', i32.divU(begin, i32.const(blocks)));
      const columns = code.local('i32', i32.sub(i32.const(inner), start));
      code.set(columns, minimum(columns, UNIT_COLUMNS));
      code.set(start, times(start, FLOAT_BYTES));
      const target = code.local('i32', i32.add(i32.add(dData, start), times(block, extent * rowBytes)));
      const source = code.local('i32', i32.add(i32.add(g, start), times(block, count * rowBytes)));
      const line = code.local('i32', target);
      code.repeat(extent, () => {
        code.set(to, line);
        emitElements(code, columns, 4, (lanes) => {
          storeLanes(code, to, [splat(code, 0)], lanes);
          code.increase(to, lanes * FLOAT_BYTES);
        });
        code.increase(line, rowBytes);
      });
      code.set(address, indices);
      code.repeat(count, () => {
        emitPosition(code, position, address, extent);
        code.if(i32.ltU(position, i32.const(extent)), () => {
          code.set(from, source);
          code.set(to, i32.add(target, times(position, rowBytes)));
          emitMap(code, columns, [from, to], to, ([gradient, sum]) => f32x4.add(sum, gradient));
        });
        code.increase(source, rowBytes);
        code.increase(address, 4);
      });
    });
  });
}
