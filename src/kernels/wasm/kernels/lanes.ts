/**
 * Work with private scratch memory. The items of a kernel are dealt out to a fixed number of lanes, each a unit of
 * work with a part of the scratch memory to itself: threads never share it, and who runs a lane changes no bit.
 */

import type { TensorType } from '../../contract.js';
import { type I32, i32 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmCall } from '../kernel.js';
import { constant, emitFill, FLOAT, roundUp, times } from './spans.js';

/** Lanes at most: the most threads that a kernel can keep busy. */
const LANES = 16;

/** Scratch memory that the lanes of a kernel should take together, and the lanes that there are however much they take. */
const LANES_LIMIT = 2 ** 24;
const FEWEST_LANES = 4;

export const laneCount = (items: number, laneBytes: number): number =>
  Math.min(items, LANES, Math.max(FEWEST_LANES, Math.floor(LANES_LIMIT / laneBytes)));

/** Parts of a lane's scratch memory, given in floats, as byte offsets; each begins on a cache line. */
export class ScratchLayout<N extends string> {
  readonly offsets: Readonly<Record<N, number>>;
  readonly bytes: number;

  constructor(floats: Readonly<Record<N, number>>) {
    let bytes = 0;
    const offsets = Object.entries<number>(floats).map(([name, count]) => {
      const offset = bytes;
      bytes += roundUp(count * FLOAT, 64);
      return [name, offset];
    });
    this.offsets = Object.fromEntries(offsets) as Record<N, number>;
    this.bytes = bytes;
  }

  /** Addresses of the parts in the scratch memory that begins at `base`, as locals. */
  locals(code: FunctionBuilder, base: I32): Record<N, Local<'i32'>> {
    const entries = Object.entries<number>(this.offsets).map(([name, offset]) => [
      name,
      code.local('i32', i32.add(base, constant(offset))),
    ]);
    return Object.fromEntries(entries) as Record<N, Local<'i32'>>;
  }
}

export interface LaneUnits {
  readonly scratch: Local<'i32'>;
  readonly begin: Local<'i32'>;
  readonly end: Local<'i32'>;
}

/** Runs `lane` for every lane; it calls `forItems` once, for the body to run for every item of the lane. */
export function emitLanes(
  code: FunctionBuilder,
  { scratch, begin, end }: LaneUnits,
  items: number,
  laneBytes: number,
  lane: (base: Local<'i32'>, forItems: (body: (item: Local<'i32'>) => void) => void) => void,
): void {
  const lanes = laneCount(items, laneBytes);
  const unit = code.local('i32', begin);
  const base = code.local('i32');
  const item = code.local('i32');
  const last = code.local('i32');
  code.countTo(unit, end, 1, () => {
    code.set(base, i32.add(scratch, times(unit, laneBytes)));
    const share = (index: I32): I32 => i32.divU(times(index, items), constant(lanes));
    lane(base, (body) => {
      code.set(item, share(unit));
      code.set(last, share(i32.add(unit, constant(1))));
      code.countTo(item, last, 1, () => body(item));
    });
  });
}

/** Takes an index apart into positions along `extents`, the last one fastest. */
export function emitPositions(code: FunctionBuilder, index: I32, extents: readonly number[]): I32[] {
  const positions: I32[] = [];
  const rest = code.local('i32', index);
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    if (extents[axis] === 1) {
      positions[axis] = constant(0);
    } else if (axis === 0) {
      positions[axis] = rest;
    } else {
      positions[axis] = code.local('i32', i32.remU(rest, constant(extents[axis])));
      code.set(rest, i32.divU(rest, constant(extents[axis])));
    }
  }
  return positions;
}

const FILL_BLOCK = 16384;

/** Sets an output to zero: the result where an input is empty. `inputs` counts the addresses before the output's. */
export function zerosCall(inputs: number, { shape }: TensorType): WasmCall {
  const size = sizeOf(shape);
  const names = [...Array.from({ length: inputs }, (_, index) => `input${index}`), 'output'];
  return {
    key: `zeros ${inputs} ${size}`,
    phases: [{ name: 'fill', units: Math.ceil(size / FILL_BLOCK) }],
    build(module: ModuleBuilder) {
      module.function('fill', kernelParameters(names), (code, { output, begin, end }) => {
        const count = code.local('i32', times(end, FILL_BLOCK));
        code.if(i32.gtU(count, constant(size)), () => code.set(count, constant(size)));
        const start = times(begin, FILL_BLOCK);
        emitFill(code, i32.add(output, times(start, FLOAT)), i32.sub(count, start));
      });
    },
  };
}
