/**
 * The straight-through gradient of fake quantization: an elementwise gradient of x, and two sums for the range. The sums
 * are cut by the shape of x and the axis of the grid alone, so that they are the same bits whatever else a loop does.
 */
import type { TensorType } from '../../contract.js';
import { f32x4, type V128, v128 } from '../assembler/instructions.js';
import { sizeOf } from '../kernel.js';
import { gridIn, prepareGrid, unroundedCode } from './fakeQuantize.js';
import { isFloat32 } from './loops.js';
import type { RowKernel } from './rowBody.js';
import { type Cut, LEAST_ROW, planeCut } from './rowPlan.js';
import { keep, splat } from './vectors.js';

/** How sums over all of x, or apart along the one axis that `low` has, are cut. */
function cutOf({ shape }: TensorType, low: TensorType): Cut {
  if (sizeOf(low.shape) !== 1) {
    const axis = low.shape.findIndex((extent) => extent !== 1);
    return [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))];
  }
  const [rows, length, ...others] = shape.filter((extent) => extent !== 1);
  const flat: Cut = others.length === 0 && length >= LEAST_ROW ? [rows, 1, length] : [1, 1, sizeOf(shape)];
  return planeCut(shape) ?? flat;
}

export const fakeQuantizeGradient: RowKernel<'fakeQuantizeGradient'> = (
  inputs,
  { levels, levelLow, levelHigh },
  [dx],
) => {
  // Without codes above zero the quotient below the range is infinite, which only the reference's order of terms gives.
  if (!isFloat32(...inputs) || levelHigh === 0) return null;
  const limit = inputs[2];
  const below = Math.fround(levelLow / levelHigh);
  const perChannel = sizeOf(limit.shape) !== 1;
  return {
    key: `fakeQuantizeGradient ${[levels, levelLow, levelHigh]}`,
    shape: dx.shape,
    cut: cutOf(dx, limit),
    outputs: [null, { perChannel }, { perChannel }],
    prepare(code, [, , low, range]) {
      const grid = prepareGrid(code, low, range, levels);
      return range && grid.length > 0 ? [...grid, keep(code, f32x4.div(splat(code, 1), range))] : [];
    },
    lanes(code, [gradient, value, low, range], prepared) {
      const [g, x] = [keep(code, gradient), keep(code, value)];
      const inverseRange = prepared[4] ?? f32x4.div(splat(code, 1), range);
      const grid = gridIn(code, prepared.slice(0, 4), low, range, levels);
      const inside = keep(code, v128.and(f32x4.ge(x, grid.low), f32x4.le(x, grid.high)));
      const [isAbove, isBelow] = [f32x4.gt(x, grid.high), f32x4.lt(x, grid.low)];
      const lowTerm = (): V128 => v128.and(g, v128.or(isAbove, isBelow));
      const rangeTerm = (): V128 => {
        // Not `roundEven`, which is for what is joined to 256 bits: sums are not.
        const rounded = f32x4.div(f32x4.nearest(unroundedCode(x, grid)), grid.scale);
        const error = f32x4.mul(f32x4.sub(rounded, x), inverseRange);
        const within = v128.or(v128.and(f32x4.mul(error, g), inside), v128.and(g, isAbove));
        return below === 0 ? within : v128.or(within, v128.and(f32x4.mul(g, splat(code, below)), isBelow));
      };
      return { value: v128.and(g, inside), terms: [null, lowTerm, rangeTerm] };
    },
  };
};
