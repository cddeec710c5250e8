/**
 * The straight-through gradient of fake quantization. The first phase writes the gradient of x and, for each block of
 * elements that share a grid, two sums into scratch memory; the second adds them up for each channel.
 */
import type { TensorType } from '../../contract.js';
import { f32, f32x4, f64, i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import { codeOf, type Grid, gridOf } from './fakeQuantize.js';
import {
  Accumulators,
  type Count,
  emitFold,
  FLOAT_BYTES,
  isFloat32,
  loadLanes,
  minimum,
  storeLanes,
  vectorsOf,
} from './loops.js';
import { times } from './spans.js';
import { keep, splat } from './vectors.js';

/** Elements in a unit of work. */
const BLOCK = 8192;
/** Two doubles for each block. */
const PARTIAL_BYTES = 16;

/** Runs of elements that share a grid: [outer, channels, length], each run in `blocks` parts. */
interface Runs {
  readonly outer: number;
  readonly channels: number;
  readonly length: number;
  readonly blocks: number;
}

function runsOf(x: TensorType, low: TensorType): Runs {
  const channels = sizeOf(low.shape);
  const axis = low.shape.findIndex((extent) => extent !== 1);
  const length = channels === 1 ? sizeOf(x.shape) : sizeOf(x.shape.slice(axis + 1));
  const outer = channels === 1 ? 1 : sizeOf(x.shape.slice(0, axis));
  return { outer, channels, length, blocks: Math.ceil(length / BLOCK) };
}

/** For four elements: the gradient of x, and the terms of three sums: inside the range, above and below it. */
function terms(code: FunctionBuilder, gradient: V128, value: V128, grid: Grid, inverseRange: V128): V128[] {
  const [g, x] = [keep(code, gradient), keep(code, value)];
  const inside = keep(code, v128.and(f32x4.ge(x, grid.low), f32x4.le(x, grid.high)));
  const error = f32x4.mul(f32x4.sub(f32x4.div(codeOf(x, grid), grid.scale), x), inverseRange);
  return [
    v128.and(g, inside),
    v128.and(f32x4.mul(error, g), inside),
    v128.and(g, f32x4.gt(x, grid.high)),
    v128.and(g, f32x4.lt(x, grid.low)),
  ].map((each) => keep(code, each));
}

const ADDRESSES = ['g', 'x', 'low', 'range', 'dx', 'dLow', 'dRange', 'scratch'] as const;

export const fakeQuantizeGradient: WasmKernel<'fakeQuantizeGradient'> = (
  inputs,
  { levels, levelLow, levelHigh },
  [dx],
) => {
  // Without codes above zero the quotient below the range is infinite, which only the reference's order of terms gives.
  if (!isFloat32(...inputs) || levelHigh === 0) return null;
  const runs = runsOf(dx, inputs[2]);
  const { outer, channels, length, blocks } = runs;
  const units = outer * channels * blocks;
  return {
    key: `fakeQuantizeGradient ${[levels, levelLow, levelHigh, outer, channels, length]}`,
    phases: [
      { name: 'run', units },
      { name: 'combine', units: channels, cost: 2 * units },
    ],
    scratchBytes: Math.max(units * PARTIAL_BYTES, PARTIAL_BYTES),
    build(module) {
      defineRun(module, runs, levels, Math.fround(levelLow / levelHigh));
      defineCombine(module, runs);
    },
  };
};

function defineRun(module: ModuleBuilder, { channels, length, blocks }: Runs, levels: number, below: number): void {
  module.function('run', kernelParameters(ADDRESSES), (code, parameters) => {
    const { begin, end, scratch } = parameters;
    const sums = new Accumulators(code, 3);
    const [run, at, start] = [code.local('i32'), code.local('i32'), code.local('i32')];
    code.countTo(begin, end, 1, () => {
      code.set(run, blocks === 1 ? begin : i32.divU(begin, i32.const(blocks)));
      code.set(at, times(channels === 1 ? i32.const(0) : i32.remU(run, i32.const(channels)), FLOAT_BYTES));
      const low = keep(code, v128.load32Splat(i32.add(parameters.low, at)));
      const range = keep(code, v128.load32Splat(i32.add(parameters.range, at)));
      const grid = gridOf(code, low, range, levels);
      const inverseRange = keep(code, f32x4.div(splat(code, 1), range));
      let count: Count = length;
      code.set(start, times(run, length));
      if (blocks > 1) {
        const block = i32.remU(begin, i32.const(blocks));
        code.set(at, times(block, BLOCK));
        code.set(start, i32.add(start, at));
        count = code.local('i32', i32.sub(i32.const(length), at));
        code.set(count, minimum(count, BLOCK));
      }
      const [g, x, dx] = [parameters.g, parameters.x, parameters.dx].map((base) =>
        code.local('i32', i32.add(base, times(start, FLOAT_BYTES))),
      );
      sums.reset();
      emitFold(code, { rows: 1, length: count, gap: 0 }, [g, x, dx], sums, (lanes) => {
        const parts = vectorsOf(lanes).map((at) =>
          terms(code, loadLanes(g, lanes, at), loadLanes(x, lanes, at), grid, inverseRange),
        );
        storeLanes(
          code,
          dx,
          parts.map(([inside]) => inside),
          lanes,
        );
        parts.forEach((part, index) => {
          for (const term of [0, 1, 2]) sums.add(term, 4 * index, part[term + 1], lanes);
        });
      });
      const [within, above, under] = sums.totals;
      const partial = code.local('i32', i32.add(scratch, times(begin, PARTIAL_BYTES)));
      const rangeSum = f64.add(f64.add(within, above), f64.mul(under, f64.const(below)));
      code.do(f64.store(partial, f64.add(above, under)), f64.store(partial, rangeSum, 8));
    });
  });
}

function defineCombine(module: ModuleBuilder, { outer, channels, blocks }: Runs): void {
  module.function('combine', kernelParameters(ADDRESSES), (code, { begin, end, scratch, dLow, dRange }) => {
    const totals = [code.local('f64'), code.local('f64')];
    const partial = code.local('i32');
    code.countTo(begin, end, 1, () => {
      for (const total of totals) code.set(total, f64.const(0));
      code.set(partial, i32.add(scratch, times(begin, blocks * PARTIAL_BYTES)));
      code.repeat(outer, () => {
        code.repeat(blocks, () => {
          totals.forEach((total, index) => {
            code.set(total, f64.add(total, f64.load(partial, index * 8)));
          });
          code.increase(partial, PARTIAL_BYTES);
        });
        code.increase(partial, (channels - 1) * blocks * PARTIAL_BYTES);
      });
      [dLow, dRange].forEach((output, index) => {
        code.do(f32.store(i32.add(output, times(begin, FLOAT_BYTES)), f32.demote(totals[index])));
      });
    });
  });
}
