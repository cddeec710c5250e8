/**
 * Gathering of single elements along an axis, and its gradient: how a cross entropy picks the scores of its labels. An
 * index means what it means for `gather`. Indices that cover only a part of the other axes stay with the reference.
 */
import type { TensorType } from '../../contract.js';
import { f32, i32 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import { emitPosition } from './gather.js';
import { emitElements, FLOAT_BYTES, isFloat32, storeLanes } from './loops.js';
import { times } from './spans.js';
import { splat } from './vectors.js';

/** Data [outer, extent, inner] and indices [outer, count, inner]. */
interface ElementShape {
  readonly outer: number;
  readonly extent: number;
  readonly count: number;
  readonly inner: number;
}

function shapeOf(data: TensorType, indices: TensorType, axis: number): ElementShape | null {
  if (indices.dtype !== 'int32') return null;
  if (!data.shape.every((extent, each) => each === axis || extent === indices.shape[each])) return null;
  return {
    outer: sizeOf(data.shape.slice(0, axis)),
    extent: data.shape[axis],
    count: indices.shape[axis],
    inner: sizeOf(data.shape.slice(axis + 1)),
  };
}

/** Runs `body` for each index of a unit, with the address of its element in the data, or without where it means none. */
function emitIndices(
  code: FunctionBuilder,
  { extent, count, inner }: ElementShape,
  [data, indices]: readonly [Local<'i32'>, Local<'i32'>],
  found: (element: Local<'i32'>) => void,
  missing: () => void,
  next: () => void,
): void {
  const [address, column] = [code.local('i32', indices), code.local('i32')];
  const [position, element] = [code.local('i32'), code.local('i32')];
  code.repeat(count, () => {
    code.set(column, data);
    code.repeat(inner, () => {
      emitPosition(code, position, address, extent);
      code.if(
        i32.ltU(position, i32.const(extent)),
        () => {
          code.set(element, i32.add(column, times(position, inner * FLOAT_BYTES)));
          found(element);
        },
        missing,
      );
      code.increase(column, FLOAT_BYTES);
      code.increase(address, 4);
      next();
    });
  });
}

export const gatherElements: WasmKernel<'gatherElements'> = ([data, indices], { axis }) => {
  const shape = isFloat32(data) ? shapeOf(data, indices, axis) : null;
  if (!shape) return null;
  const { outer, extent, count, inner } = shape;
  return {
    key: `gatherElements ${Object.values(shape)}`,
    phases: [{ name: 'run', units: outer }],
    build(module) {
      module.function('run', kernelParameters(['data', 'indices', 'y']), (code, parameters) => {
        const { begin, end } = parameters;
        const [data, indices, to] = [code.local('i32'), code.local('i32'), code.local('i32')];
        code.countTo(begin, end, 1, () => {
          code.set(data, i32.add(parameters.data, times(begin, extent * inner * FLOAT_BYTES)));
          code.set(indices, i32.add(parameters.indices, times(begin, count * inner * 4)));
          code.set(to, i32.add(parameters.y, times(begin, count * inner * FLOAT_BYTES)));
          emitIndices(
            code,
            shape,
            [data, indices],
            (element) => code.do(f32.store(to, f32.load(element))),
            () => code.do(f32.store(to, f32.const(0))),
            () => code.increase(to, FLOAT_BYTES),
          );
        });
      });
    },
  };
};

/** A unit has one position of the outer axes to itself: it clears it and adds in the order of the indices. */
export const gatherElementsGradient: WasmKernel<'gatherElementsGradient'> = ([g, indices], { axis }, [dData]) => {
  const shape = isFloat32(g, dData) ? shapeOf(dData, indices, axis) : null;
  if (!shape) return null;
  const { outer, extent, count, inner } = shape;
  return {
    key: `gatherElementsGradient ${Object.values(shape)}`,
    phases: [{ name: 'run', units: outer }],
    build(module) {
      module.function('run', kernelParameters(['g', 'indices', 'dData']), (code, parameters) => {
        const { begin, end } = parameters;
        const [data, indices, from] = [code.local('i32'), code.local('i32'), code.local('i32')];
        const cleared = code.local('i32');
        code.countTo(begin, end, 1, () => {
          code.set(data, i32.add(parameters.dData, times(begin, extent * inner * FLOAT_BYTES)));
          code.set(indices, i32.add(parameters.indices, times(begin, count * inner * 4)));
          code.set(from, i32.add(parameters.g, times(begin, count * inner * FLOAT_BYTES)));
          code.set(cleared, data);
          emitElements(code, extent * inner, 4, (lanes) => {
            storeLanes(code, cleared, [splat(code, 0)], lanes);
            code.increase(cleared, lanes * FLOAT_BYTES);
          });
          emitIndices(
            code,
            shape,
            [data, indices],
            (element) => code.do(f32.store(element, f32.add(f32.load(element), f32.load(from)))),
            () => {},
            () => code.increase(from, FLOAT_BYTES),
          );
        });
      });
    },
  };
};
