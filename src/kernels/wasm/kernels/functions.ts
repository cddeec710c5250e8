/**
 * Functions of float32 vectors as expressions. Polynomials have fixed coefficients and plain multiplications and
 * additions, so the results are the same bits on every machine.
 */
import type { BinaryFunction, UnaryFunction } from '../../contract.js';
import { f32, f32x4, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';

/** Builds the value of a function; may use locals for what it needs twice. */
export type VectorFunction = (code: FunctionBuilder, x: V128) => V128;
export type VectorFunction2 = (code: FunctionBuilder, a: V128, b: V128) => V128;

export const splat = (value: number): V128 => f32x4.splat(f32.const(value));
const keep = (code: FunctionBuilder, value: V128): V128 => code.local('v128', value);

/** c0 + x (c1 + x (c2 + ...)). */
const polynomial = (x: V128, coefficients: readonly number[]): V128 =>
  coefficients
    .slice(0, -1)
    .reduceRight<V128>(
      (sum, coefficient) => f32x4.add(f32x4.mul(sum, x), splat(coefficient)),
      splat(coefficients[coefficients.length - 1]),
    );

/** Coefficients of the Cephes library's `expf` (S. Moshier, 1989): e^r for |r| <= ln(2) / 2. */
const EXP = [1, 1, 5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.98756915e-4];
/** ln 2 in two parts, the first exact in a few bits. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;

/** e^x; 0 where the result is below the normal numbers. */
export function exp(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  const limited = keep(code, f32x4.pmax(f32x4.pmin(x, splat(88.5)), splat(-87.3)));
  const n = keep(code, f32x4.nearest(f32x4.mul(limited, splat(Math.LOG2E))));
  const r = keep(code, f32x4.sub(f32x4.sub(limited, f32x4.mul(n, splat(LN2_HIGH))), f32x4.mul(n, splat(LN2_LOW))));
  const power = i32x4.shl(i32x4.add(i32x4.truncSatF32x4S(n), i32x4.splat(i32.const(127))), i32.const(23));
  const result = keep(code, f32x4.mul(polynomial(r, EXP), power));
  const finite = v128.bitselect(splat(Number.POSITIVE_INFINITY), result, f32x4.gt(x, splat(88.72283)));
  return v128.bitselect(splat(0), finite, f32x4.lt(x, splat(-87.33654)));
}

function sigmoid(code: FunctionBuilder, x: V128): V128 {
  return f32x4.div(splat(1), f32x4.add(splat(1), exp(code, f32x4.neg(x))));
}

/** Cephes `tanhf`: a polynomial near zero, (1 - e) / (1 + e) with e = e^(-2|x|) elsewhere. */
function tanh(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  const square = keep(code, f32x4.mul(x, x));
  const coefficients = [-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3];
  const near = keep(code, f32x4.add(x, f32x4.mul(f32x4.mul(x, square), polynomial(square, coefficients))));
  const e = keep(code, exp(code, f32x4.mul(f32x4.abs(x), splat(-2))));
  const far = f32x4.div(f32x4.sub(splat(1), e), f32x4.add(splat(1), e));
  const signed = v128.bitselect(x, far, i32x4.splat(i32.const(-0x80000000)));
  return v128.bitselect(near, signed, f32x4.lt(f32x4.abs(x), splat(0.625)));
}

/** min(max(x + 3, 0), 6) / 6. */
const hsigmoid = (x: V128): V128 =>
  f32x4.div(f32x4.pmin(f32x4.pmax(f32x4.add(x, splat(3)), splat(0)), splat(6)), splat(6));

export const UNARY: Partial<Record<UnaryFunction, VectorFunction>> = {
  relu: (_code, x) => f32x4.pmax(x, splat(0)),
  abs: (_code, x) => f32x4.abs(x),
  negative: (_code, x) => f32x4.neg(x),
  sqrt: (_code, x) => f32x4.sqrt(x),
  floor: (_code, x) => f32x4.floor(x),
  ceiling: (_code, x) => f32x4.ceil(x),
  round: (_code, x) => f32x4.nearest(x),
  reciprocal: (_code, x) => f32x4.div(splat(1), x),
  exp,
  sigmoid,
  tanh,
  swish: (code, value) => {
    const x = keep(code, value);
    return f32x4.mul(x, sigmoid(code, x));
  },
  hsigmoid: (_code, x) => hsigmoid(x),
  hswish: (code, value) => {
    const x = keep(code, value);
    return f32x4.mul(x, hsigmoid(x));
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
};

/** Comparisons: all bits of a lane set where they hold. */
export const COMPARISON: Partial<Record<BinaryFunction, VectorFunction2>> = {
  equal: (_code, a, b) => f32x4.eq(a, b),
  notEqual: (_code, a, b) => f32x4.ne(a, b),
  less: (_code, a, b) => f32x4.lt(a, b),
  lessEqual: (_code, a, b) => f32x4.le(a, b),
  greater: (_code, a, b) => f32x4.gt(a, b),
  greaterEqual: (_code, a, b) => f32x4.ge(a, b),
};
