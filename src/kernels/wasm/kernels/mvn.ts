/**
 * Mean-variance normalisation over the last axes and its gradient: a unit of work is one row, whose statistics are
 * sums of their own.
 */
import type { TensorType } from '../../contract.js';
import { type F64, f32, f32x4, f64, i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { kernelParameters, sizeOf, type WasmKernel } from '../kernel.js';
import { Accumulators, emitFoldTerms, emitMap, FLOAT_BYTES, isFloat32 } from './loops.js';
import { times } from './spans.js';
import { multiplyAdd } from './vectors.js';

/** Length of the rows that the axes make, if those are the last ones. */
function rowLength({ shape }: TensorType, axes: readonly number[]): number | null {
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis) && shape[axis] !== 1);
  const reduced = axes.filter((axis) => shape[axis] !== 1);
  if (sizeOf(shape) === 0 || kept.some((axis) => reduced.some((other) => other < axis))) return null;
  return sizeOf(reduced.map((axis) => shape[axis]));
}

const single = (code: FunctionBuilder, value: F64): V128 => code.local('v128', f32x4.splat(f32.demote(value)));

/** Mean and 1 / sqrt(variance + epsilon) of the row at `start`. */
function emitMoments(
  code: FunctionBuilder,
  start: Local<'i32'>,
  length: number,
  epsilon: number,
): { readonly mean: Local<'f64'>; readonly inverse: Local<'f64'> } {
  const shape = { rows: 1, length, gap: 0 };
  const [sums, squares] = [new Accumulators(code, 1), new Accumulators(code, 1)];
  // Sums of distances from the first element: those of values far from zero would lose the digits that differ.
  const first = code.local('v128', v128.load32Splat(start));
  sums.reset();
  emitFoldTerms(code, shape, [code.local('i32', start)], sums, ([value]) => [f32x4.sub(value, first)]);
  const origin = f64.promote(f32x4.extractLane(first, 0));
  const mean = code.local('f64', f64.add(origin, f64.div(sums.totals[0], f64.const(length))));
  const pivot = single(code, mean);
  squares.reset();
  emitFoldTerms(code, shape, [code.local('i32', start)], squares, ([value]) => {
    const distance = code.local('v128', f32x4.sub(value, pivot));
    return [f32x4.mul(distance, distance)];
  });
  const error = code.local('f64', f64.sub(mean, f64.promote(f32.demote(mean))));
  const variance = f64.sub(f64.div(squares.totals[0], f64.const(length)), f64.mul(error, error));
  const deviation = f64.sqrt(f64.add(variance, f64.const(epsilon)));
  return { mean, inverse: code.local('f64', f64.div(f64.const(1), deviation)) };
}

export const mvn: WasmKernel<'mvn'> = ([x], { axes, epsilon }) => {
  const length = rowLength(x, axes);
  if (length === null || !isFloat32(x)) return null;
  return {
    key: `mvn ${length} ${epsilon}`,
    phases: [{ name: 'run', units: sizeOf(x.shape) / length }],
    build(module) {
      module.function('run', kernelParameters(['x', 'y']), (code, { x, y, begin, end }) => {
        code.countTo(begin, end, 1, () => {
          const offset = code.local('i32', times(begin, length * FLOAT_BYTES));
          const from = code.local('i32', i32.add(x, offset));
          const to = code.local('i32', i32.add(y, offset));
          const { mean, inverse } = emitMoments(code, from, length, epsilon);
          const scale = single(code, inverse);
          const center = single(code, mean);
          // The part of the mean that float32 has no bits for.
          const rest = f64.sub(f64.promote(f32.demote(mean)), mean);
          const shift = single(code, f64.mul(rest, inverse));
          emitMap(code, length, [from], to, ([value]) => multiplyAdd(code, f32x4.sub(value, center), scale, shift));
        });
      });
    },
  };
};

export const mvnGradient: WasmKernel<'mvnGradient'> = (inputs, { axes, epsilon }, [dx]) => {
  const length = rowLength(dx, axes);
  if (length === null || !isFloat32(...inputs)) return null;
  return {
    key: `mvnGradient ${length} ${epsilon}`,
    phases: [{ name: 'run', units: sizeOf(dx.shape) / length }],
    build(module) {
      module.function('run', kernelParameters(['g', 'y', 'x', 'dx']), (code, parameters) => {
        const { begin, end } = parameters;
        const sums = new Accumulators(code, 2);
        code.countTo(begin, end, 1, () => {
          const offset = code.local('i32', times(begin, length * FLOAT_BYTES));
          const [g, y, x, dx] = [parameters.g, parameters.y, parameters.x, parameters.dx].map((base) =>
            code.local('i32', i32.add(base, offset)),
          );
          const { inverse } = emitMoments(code, x, length, epsilon);
          sums.reset();
          const walked = [code.local('i32', g), code.local('i32', y)];
          emitFoldTerms(code, { rows: 1, length, gap: 0 }, walked, sums, ([gradient, normalized]) => {
            const value = code.local('v128', gradient);
            return [value, f32x4.mul(value, normalized)];
          });
          const [meanGradient, slope] = sums.totals.map((total) => single(code, f64.div(total, f64.const(length))));
          const scale = single(code, inverse);
          emitMap(code, length, [g, y], dx, ([gradient, normalized]) =>
            f32x4.mul(scale, f32x4.sub(f32x4.sub(gradient, meanGradient), f32x4.mul(normalized, slope))),
          );
        });
      });
    },
  };
};
