/** The unary and binary functions of the contract as expressions on float32 vectors. */
import type { BinaryFunction, UnaryFunction } from '../../contract.js';
import { f32x4, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { erf, gelu } from './errorFunction.js';
import { exp, geluTanh, log, mish, sigmoid, softplus, tanh } from './exponential.js';
import { power } from './power.js';
import { copySign, keep, roundEven, splat, type VectorFunction, type VectorFunction2 } from './vectors.js';

/** min(max(x + 3, 0), 6) / 6. */
const hsigmoid = (code: FunctionBuilder, x: V128): V128 => {
  const shifted = f32x4.pmax(f32x4.add(x, splat(code, 3)), splat(code, 0));
  return f32x4.div(f32x4.pmin(shifted, splat(code, 6)), splat(code, 6));
};

/** 1 or -1; zeros and NaN stay. */
const sign = (code: FunctionBuilder, value: V128): V128 => {
  const x = keep(code, value);
  const ordered = v128.or(f32x4.gt(x, splat(code, 0)), f32x4.lt(x, splat(code, 0)));
  return v128.bitselect(copySign(code, splat(code, 1), x), x, ordered);
};

export const UNARY: Partial<Record<UnaryFunction, VectorFunction>> = {
  relu: (code, x) => f32x4.pmax(x, splat(code, 0)),
  abs: (_code, x) => f32x4.abs(x),
  negative: (_code, x) => f32x4.neg(x),
  sign,
  sqrt: (_code, x) => f32x4.sqrt(x),
  floor: (_code, x) => f32x4.floor(x),
  ceiling: (_code, x) => f32x4.ceil(x),
  round: roundEven,
  reciprocal: (code, x) => f32x4.div(splat(code, 1), x),
  exp,
  log,
  sigmoid,
  tanh,
  erf,
  gelu,
  geluTanh,
  softplus,
  mish,
  swish: (code, value) => {
    const x = keep(code, value);
    return f32x4.mul(x, sigmoid(code, x));
  },
  hsigmoid,
  hswish: (code, value) => {
    const x = keep(code, value);
    return f32x4.mul(x, hsigmoid(code, x));
  },
};

/** Functions whose result is float32. */
export const BINARY: Partial<Record<BinaryFunction, VectorFunction2>> = {
  add: (_code, a, b) => f32x4.add(a, b),
  subtract: (_code, a, b) => f32x4.sub(a, b),
  multiply: (_code, a, b) => f32x4.mul(a, b),
  divide: (_code, a, b) => f32x4.div(a, b),
  maximum: (_code, a, b) => f32x4.max(a, b),
  minimum: (_code, a, b) => f32x4.min(a, b),
  power,
};

const isTrue = (code: FunctionBuilder, x: V128): V128 => f32x4.ne(x, splat(code, 0));

/** Comparisons and logic: all bits of a lane set where they hold. */
export const COMPARISON: Partial<Record<BinaryFunction, VectorFunction2>> = {
  equal: (_code, a, b) => f32x4.eq(a, b),
  notEqual: (_code, a, b) => f32x4.ne(a, b),
  less: (_code, a, b) => f32x4.lt(a, b),
  lessEqual: (_code, a, b) => f32x4.le(a, b),
  greater: (_code, a, b) => f32x4.gt(a, b),
  greaterEqual: (_code, a, b) => f32x4.ge(a, b),
  logicalAnd: (code, a, b) => v128.and(isTrue(code, a), isTrue(code, b)),
  logicalOr: (code, a, b) => v128.or(isTrue(code, a), isTrue(code, b)),
};

/** The same of bools, which are masks; false is below true. */
export const BOOL_BINARY: Partial<Record<BinaryFunction, VectorFunction2>> = {
  equal: (_code, a, b) => v128.not(v128.xor(a, b)),
  notEqual: (_code, a, b) => v128.xor(a, b),
  less: (_code, a, b) => v128.andnot(b, a),
  lessEqual: (_code, a, b) => v128.or(b, v128.not(a)),
  greater: (_code, a, b) => v128.andnot(a, b),
  greaterEqual: (_code, a, b) => v128.or(a, v128.not(b)),
  logicalAnd: (_code, a, b) => v128.and(a, b),
  logicalOr: (_code, a, b) => v128.or(a, b),
};

/** Arithmetic of int32, which wraps. */
export const INTEGER_BINARY: Partial<Record<BinaryFunction, VectorFunction2>> = {
  add: (_code, a, b) => i32x4.add(a, b),
  subtract: (_code, a, b) => i32x4.sub(a, b),
  multiply: (_code, a, b) => i32x4.mul(a, b),
  maximum: (_code, a, b) => i32x4.maxS(a, b),
  minimum: (_code, a, b) => i32x4.minS(a, b),
};

/** Comparisons of int32. */
export const INTEGER_COMPARISON: Partial<Record<BinaryFunction, VectorFunction2>> = {
  equal: (_code, a, b) => i32x4.eq(a, b),
  notEqual: (_code, a, b) => v128.not(i32x4.eq(a, b)),
  less: (_code, a, b) => i32x4.gtS(b, a),
  lessEqual: (_code, a, b) => v128.not(i32x4.gtS(a, b)),
  greater: (_code, a, b) => i32x4.gtS(a, b),
  greaterEqual: (_code, a, b) => v128.not(i32x4.gtS(b, a)),
};
