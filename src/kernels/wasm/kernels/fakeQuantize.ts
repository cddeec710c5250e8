/**
 * Fake quantization. Every operation is the reference kernel's, in its order and rounded to float32, so the results are
 * the same bits. `nearest` rather than the faster magic number: a code can be large (a range far from zero), and the
 * sign of a zero counts. The data is the first operand of pmin and pmax, so that NaN goes through.
 */
import type { TensorType } from '../../contract.js';
import { f32x4, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { isFloat32 } from './loops.js';
import type { RowBody, RowKernel } from './rowBody.js';
import { keep, roundEven, splat } from './vectors.js';

/** A grid in vectors: one value in all lanes, or one for each element. */
export interface Grid {
  readonly low: V128;
  readonly high: V128;
  readonly scale: V128;
  readonly zeroPoint: V128;
}

/** The grid of [low, low + range]. */
function gridOf(code: FunctionBuilder, low: V128, range: V128, levels: number): Grid {
  const scale = keep(code, f32x4.div(splat(code, levels - 1), range));
  return {
    low,
    high: keep(code, f32x4.add(low, range)),
    scale,
    zeroPoint: keep(code, roundEven(code, f32x4.mul(f32x4.neg(low), scale))),
  };
}

/** The code of a value inside the range, before it is rounded to a whole number. */
export const unroundedCode = (inside: V128, { low, scale, zeroPoint }: Grid): V128 =>
  f32x4.sub(f32x4.mul(f32x4.sub(inside, low), scale), zeroPoint);

const codeOf = (code: FunctionBuilder, inside: V128, grid: Grid): V128 => roundEven(code, unroundedCode(inside, grid));

const clampTo = (x: V128, { low, high }: Grid): V128 => f32x4.pmax(f32x4.pmin(x, high), low);

/** The grid of a row, if its limits stay the same along it; see `gridIn`. */
export const prepareGrid = (code: FunctionBuilder, low: V128 | null, range: V128 | null, levels: number): V128[] => {
  if (!low || !range) return [];
  const grid = gridOf(code, low, range, levels);
  return [grid.low, grid.high, grid.scale, grid.zeroPoint];
};

/** The grid that was prepared for the row, or that of each lane. */
export function gridIn(code: FunctionBuilder, prepared: readonly V128[], low: V128, range: V128, levels: number): Grid {
  const [lowest, high, scale, zeroPoint] = prepared;
  if (prepared.length > 0) return { low: lowest, high, scale, zeroPoint };
  return gridOf(code, keep(code, low), keep(code, range), levels);
}

/** An elementwise kernel of x, low and range. */
const gridBody = (
  name: string,
  inputs: readonly TensorType[],
  levels: number,
  value: (code: FunctionBuilder, x: V128, grid: Grid) => V128,
): RowBody | null =>
  isFloat32(...inputs)
    ? {
        key: `${name} ${levels}`,
        prepare: (code, [, low, range]) => prepareGrid(code, low, range, levels),
        value: (code, [x, low, range], prepared) => value(code, x, gridIn(code, prepared, low, range, levels)),
      }
    : null;

export const fakeQuantize: RowKernel<'fakeQuantize'> = (inputs, { levels }) =>
  gridBody('fakeQuantize', inputs, levels, (code, x, grid) =>
    f32x4.div(codeOf(code, clampTo(x, grid), grid), grid.scale),
  );

export const fakeQuantizeCodes: RowKernel<'fakeQuantizeCodes'> = (inputs, { levels }, [codes]) =>
  codes.dtype === 'int32'
    ? gridBody('fakeQuantizeCodes', inputs, levels, (code, x, grid) =>
        i32x4.truncSatF32x4S(codeOf(code, clampTo(x, grid), grid)),
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

export const fakeQuantizeOpenvino: RowKernel<'fakeQuantizeOpenvino'> = (inputs, { levels }) =>
  isFloat32(...inputs)
    ? {
        key: `fakeQuantizeOpenvino ${levels}`,
        prepare(code, [, ...limits]) {
          const known = limits.filter((limit) => limit !== null);
          return known.length === 4 ? limitsOf(code, known) : [];
        },
        value(code, [data, ...limits], prepared) {
          const x = keep(code, data);
          const [inputLow, lowest, highest, inputRange, outputLow, outputHigh, outputRange] =
            prepared.length > 0
              ? prepared
              : limitsOf(
                  code,
                  limits.map((limit) => keep(code, limit)),
                );
          const steps = splat(code, levels - 1);
          const level = roundEven(code, f32x4.mul(f32x4.div(f32x4.sub(x, inputLow), inputRange), steps));
          const inside = f32x4.add(f32x4.mul(f32x4.div(level, steps), outputRange), outputLow);
          const belowTop = v128.bitselect(outputHigh, inside, f32x4.gt(x, highest));
          return v128.bitselect(outputLow, belowTop, f32x4.le(x, lowest));
        },
      }
    : null;
