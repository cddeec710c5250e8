/** Elementwise kernels over float32, int32 and bool tensors (bools count as 0 and 1), with broadcasting. */
import type { TensorType } from '../../contract.js';
import type { DType } from '../../dtype.js';
import { f32x4, i32x4, v128 } from '../assembler/instructions.js';
import { kernelParameters, type WasmCall, type WasmKernel } from '../kernel.js';
import { expMinusOne } from './exponential.js';
import { BINARY, COMPARISON, INTEGER_BINARY, INTEGER_COMPARISON, UNARY } from './functions.js';
import { emitRows, planRows, type RowBody, rowDTypes } from './rows.js';
import { keep, splat, type VectorFunction } from './vectors.js';

/** An elementwise kernel over any number of operands. */
export function elementwiseCall(
  name: string,
  inputs: readonly TensorType[],
  output: TensorType,
  value: RowBody['value'],
  prepare?: RowBody['prepare'],
): WasmCall | null {
  if (!inputs.every(({ dtype }) => rowDTypes(dtype)) || !['float32', 'bool', 'int32'].includes(output.dtype))
    return null;
  const plan = planRows(inputs, output);
  const names = [...inputs.map((_, index) => `input${index}`), 'output'];
  return {
    key: `elementwise ${name} ${plan.key}`,
    phases: [{ name: 'run', units: plan.units }],
    build(module) {
      module.function('run', kernelParameters(names), (code, parameters) => {
        const { begin, end } = parameters;
        const addresses = names.map((key) => parameters[key]);
        emitRows(code, plan, addresses, begin, end, { value, prepare });
      });
    },
  };
}

export const unary: WasmKernel<'unary'> = ([x], { function: name }, [y]) => {
  if (name === 'logicalNot' && x.dtype === 'bool')
    return elementwiseCall(name, [x], y, (code, [value]) => f32x4.eq(value, splat(code, 0)));
  const vector = UNARY[name];
  return vector && x.dtype === 'float32' ? elementwiseCall(name, [x], y, (code, [value]) => vector(code, value)) : null;
};

/** Limits below before above, as the reference: where min is above max, the result is min. */
export const clamp: WasmKernel<'clamp'> = ([x], { min, max }, [y]) =>
  x.dtype === 'float32'
    ? elementwiseCall(`clamp ${min} ${max}`, [x], y, (code, [value]) =>
        f32x4.pmax(f32x4.pmin(value, splat(code, max)), splat(code, min)),
      )
    : null;

export const elu: WasmKernel<'elu'> = ([data], { alpha }, [y]) =>
  data.dtype === 'float32'
    ? elementwiseCall(`elu ${alpha}`, [data], y, (code, [value]) => {
        const x = keep(code, value);
        const negative = f32x4.mul(expMinusOne(code, f32x4.pmin(x, splat(code, 0))), splat(code, alpha));
        return v128.bitselect(x, negative, f32x4.gt(x, splat(code, 0)));
      })
    : null;

/** Functions of two operands by their type; int32 division rounds down and stays with the reference. */
const BINARY_OF: Partial<Record<DType, readonly (typeof BINARY)[]>> = {
  float32: [BINARY, COMPARISON],
  int32: [INTEGER_BINARY, INTEGER_COMPARISON],
  bool: [COMPARISON],
};

export const binary: WasmKernel<'binary'> = ([a, b], { function: name }, [y]) => {
  const vector = BINARY_OF[a.dtype]?.map((table) => table[name]).find((each) => each !== undefined);
  return vector && a.dtype === b.dtype
    ? elementwiseCall(`${name} ${a.dtype}`, [a, b], y, (code, [left, right]) => vector(code, left, right))
    : null;
};

/** The condition is a bool tensor; a mask is made of its zeros and ones. */
export const select: WasmKernel<'select'> = (inputs, _attributes, [y]) =>
  y.dtype === 'bool'
    ? null
    : elementwiseCall('select', inputs, y, (code, [condition, a, b]) =>
        v128.bitselect(a, b, f32x4.ne(condition, splat(code, 0))),
      );

/** Conversions between float32, int32 and bool, from what `emitRows` reads (bools are float32) to what it writes. */
const CONVERT: Partial<Record<`${DType} ${DType}`, VectorFunction>> = {
  'bool float32': (_code, x) => x,
  'bool int32': (_code, x) => i32x4.truncSatF32x4S(x),
  'float32 bool': (code, x) => f32x4.ne(x, splat(code, 0)),
  'float32 int32': (_code, x) => i32x4.truncSatF32x4S(x),
  'int32 bool': (code, x) => v128.not(i32x4.eq(x, splat(code, 0))),
  'int32 float32': (_code, x) => f32x4.convertI32x4S(x),
};

export const convert: WasmKernel<'convert'> = ([x], _attributes, [y]) => {
  const vector = CONVERT[`${x.dtype} ${y.dtype}`];
  return vector ? elementwiseCall('convert', [x], y, (code, [value]) => vector(code, value)) : null;
};

/** Copies to the larger shape. */
export const broadcast: WasmKernel<'broadcast'> = ([x], _attributes, [y]) =>
  x.dtype === 'bool' ? null : elementwiseCall('broadcast', [x], y, (_code, [value]) => value);
