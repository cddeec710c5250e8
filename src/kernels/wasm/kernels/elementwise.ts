/** What elementwise kernels do to vectors of float32, int32 and bool. */
import type { DType } from '../../dtype.js';
import { f32x4, i32x4, v128 } from '../assembler/instructions.js';
import { expMinusOne } from './exponential.js';
import { BINARY, BOOL_BINARY, COMPARISON, INTEGER_BINARY, INTEGER_COMPARISON, UNARY } from './functions.js';
import type { RowKernel } from './rowBody.js';
import { integers, keep, splat, type VectorFunction } from './vectors.js';

export const unary: RowKernel<'unary'> = ([x], { function: name }) => {
  if (name === 'logicalNot' && x.dtype === 'bool') return { key: name, value: (_code, [value]) => v128.not(value) };
  const vector = UNARY[name];
  return vector && x.dtype === 'float32' ? { key: name, value: (code, [value]) => vector(code, value) } : null;
};

/** Limits below before above, as the reference: where min is above max, the result is min. */
export const clamp: RowKernel<'clamp'> = ([x], { min, max }) =>
  x.dtype === 'float32'
    ? {
        key: `clamp ${number(min)} ${number(max)}`,
        value: (code, [value]) => f32x4.pmax(f32x4.pmin(value, splat(code, max)), splat(code, min)),
      }
    : null;

export const elu: RowKernel<'elu'> = ([data], { alpha }) =>
  data.dtype === 'float32'
    ? {
        key: `elu ${number(alpha)}`,
        value(code, [value]) {
          const x = keep(code, value);
          const negative = f32x4.mul(expMinusOne(code, f32x4.pmin(x, splat(code, 0))), splat(code, alpha));
          return v128.bitselect(x, negative, f32x4.gt(x, splat(code, 0)));
        },
      }
    : null;

/** A number in a key; the zeros are two. */
const number = (value: number): string => (Object.is(value, -0) ? '-0' : `${value}`);

/** Functions of two operands by their type; int32 division rounds down and stays with the reference. */
const BINARY_OF: Partial<Record<DType, readonly (typeof BINARY)[]>> = {
  float32: [BINARY, COMPARISON],
  int32: [INTEGER_BINARY, INTEGER_COMPARISON],
  bool: [BOOL_BINARY],
};

export const binary: RowKernel<'binary'> = ([a, b], { function: name }) => {
  const vector = BINARY_OF[a.dtype]?.map((table) => table[name]).find((each) => each !== undefined);
  return vector && a.dtype === b.dtype
    ? { key: `${name} ${a.dtype}`, value: (code, [left, right]) => vector(code, left, right) }
    : null;
};

export const select: RowKernel<'select'> = ([{ dtype }]) =>
  dtype === 'bool' ? { key: 'select', value: (_code, [condition, a, b]) => v128.bitselect(a, b, condition) } : null;

/** Conversions between float32, int32 and bool, whose values are masks. */
const CONVERT: Partial<Record<`${DType} ${DType}`, VectorFunction>> = {
  'bool float32': (code, x) => v128.and(x, splat(code, 1)),
  'bool int32': (code, x) => v128.and(x, integers(code, 1)),
  'float32 bool': (code, x) => f32x4.ne(x, splat(code, 0)),
  'float32 int32': (_code, x) => i32x4.truncSatF32x4S(x),
  'int32 bool': (code, x) => v128.not(i32x4.eq(x, integers(code, 0))),
  'int32 float32': (_code, x) => f32x4.convertI32x4S(x),
};

export const convert: RowKernel<'convert'> = ([x], _attributes, [y]) => {
  const key = `${x.dtype} ${y.dtype}` as const;
  const vector = CONVERT[key];
  return vector ? { key: `convert ${key}`, value: (code, [value]) => vector(code, value) } : null;
};

/** Copies to the larger shape. */
export const broadcast: RowKernel<'broadcast'> = () => ({ key: 'broadcast', value: (_code, [value]) => value });
