/**
 * Fake quantization. Every operation is the reference kernel's, in its order and rounded to float32, so the results are
 * the same bits. `nearest` rather than the faster magic number: a code can be large (a range far from zero), and the
 * sign of a zero counts. The data is the first operand of pmin and pmax, so that NaN goes through.
 */
import type { TensorType } from '../../contract.js';
import { f32x4, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import type { WasmCall, WasmKernel } from '../kernel.js';
import { elementwiseCall } from './elementwise.js';
import { isFloat32 } from './loops.js';
import { keep, splat } from './vectors.js';

/** A grid in vectors: one value in all lanes, or one for each element. */
export interface Grid {
  readonly low: V128;
  readonly high: V128;
  readonly scale: V128;
  readonly zeroPoint: V128;
}

/** The grid of [low, low + range]. */
export function gridOf(code: FunctionBuilder, low: V128, range: V128, levels: number): Grid {
  const scale = keep(code, f32x4.div(splat(code, levels - 1), range));
  return {
    low,
    high: keep(code, f32x4.add(low, range)),
    scale,
    zeroPoint: keep(code, f32x4.nearest(f32x4.mul(f32x4.neg(low), scale))),
  };
}

/** The code, a whole number, of a value inside the range. */
export const codeOf = (inside: V128, { low, scale, zeroPoint }: Grid): V128 =>
  f32x4.nearest(f32x4.sub(f32x4.mul(f32x4.sub(inside, low), scale), zeroPoint));

const clampTo = (x: V128, { low, high }: Grid): V128 => f32x4.pmax(f32x4.pmin(x, high), low);

/** An elementwise kernel of x, low and range; the grid is made once for a row where it can be. */
function gridCall(
  name: string,
  inputs: readonly TensorType[],
  levels: number,
  output: TensorType,
  value: (x: V128, grid: Grid) => V128,
): WasmCall | null {
  if (!isFloat32(...inputs)) return null;
  return elementwiseCall(
    `${name} ${levels}`,
    inputs,
    output,
    (code, [x, low, range], prepared) => {
      const [lowest, high, scale, zeroPoint] = prepared;
      return value(
        x,
        prepared.length > 0
          ? { low: lowest, high, scale, zeroPoint }
          : gridOf(code, keep(code, low), keep(code, range), levels),
      );
    },
    (code, [, low, range]) => {
      if (!low || !range) return [];
      const grid = gridOf(code, low, range, levels);
      return [grid.low, grid.high, grid.scale, grid.zeroPoint];
    },
  );
}

export const fakeQuantize: WasmKernel<'fakeQuantize'> = (inputs, { levels }, [y]) =>
  gridCall('fakeQuantize', inputs, levels, y, (x, grid) => f32x4.div(codeOf(clampTo(x, grid), grid), grid.scale));

export const fakeQuantizeCodes: WasmKernel<'fakeQuantizeCodes'> = (inputs, { levels }, [codes]) =>
  codes.dtype === 'int32'
    ? gridCall('fakeQuantizeCodes', inputs, levels, codes, (x, grid) =>
        i32x4.truncSatF32x4S(codeOf(clampTo(x, grid), grid)),
      )
    : null;

/** What OpenVINO's form needs of its limits: the clipping limits, the input range and the output range. */
function limitsOf(code: FunctionBuilder, [inputLow, inputHigh, outputLow, outputHigh]: readonly V128[]): V128[] {
  return [
    inputLow,
    f32x4.min(inputLow, inputHigh),
    f32x4.max(inputLow, inputHigh),
    f32x4.sub(inputHigh, inputLow),
    outputLow,
    outputHigh,
    f32x4.sub(outputHigh, outputLow),
  ].map((each) => keep(code, each));
}

export const fakeQuantizeOpenvino: WasmKernel<'fakeQuantizeOpenvino'> = (inputs, { levels }, [y]) =>
  isFloat32(...inputs)
    ? elementwiseCall(
        `fakeQuantizeOpenvino ${levels}`,
        inputs,
        y,
        (code, [data, ...limits], prepared) => {
          const x = keep(code, data);
          const [inputLow, lowest, highest, inputRange, outputLow, outputHigh, outputRange] =
            prepared.length > 0
              ? prepared
              : limitsOf(
                  code,
                  limits.map((limit) => keep(code, limit)),
                );
          const steps = splat(code, levels - 1);
          const level = f32x4.nearest(f32x4.mul(f32x4.div(f32x4.sub(x, inputLow), inputRange), steps));
          const inside = f32x4.add(f32x4.mul(f32x4.div(level, steps), outputRange), outputLow);
          const belowTop = v128.bitselect(outputHigh, inside, f32x4.gt(x, highest));
          return v128.bitselect(outputLow, belowTop, f32x4.le(x, lowest));
        },
        (code, [, ...limits]) => {
          const known = limits.filter((limit) => limit !== null);
          return known.length === 4 ? limitsOf(code, known) : [];
        },
      )
    : null;
