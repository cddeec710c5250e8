/** Small helpers for writing functions of float32 vectors. */
import { f32, f32x4, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';

/** Builds the value of a function; may use locals for what it needs twice. */
export type VectorFunction = (code: FunctionBuilder, x: V128) => V128;
export type VectorFunction2 = (code: FunctionBuilder, a: V128, b: V128) => V128;

/** A vector of one number, made once in a function. */
export const splat = (code: FunctionBuilder, value: number): V128 =>
  code.constant(`f32 ${Object.is(value, -0) ? '-0' : value}`, f32x4.splat(f32.const(value)));

/** A vector of one integer, made once in a function. */
export const integers = (code: FunctionBuilder, value: number): V128 =>
  code.constant(`i32 ${value}`, i32x4.splat(i32.const(value)));

/** A value that is needed twice. */
export const keep = (code: FunctionBuilder, value: V128): V128 => code.local('v128', value);

/** a b + c, in `fast` mode in one instruction whose rounding the machine chooses. */
export const multiplyAdd = (code: FunctionBuilder, a: V128, b: V128, c: V128): V128 =>
  code.options.relaxed ? f32x4.relaxedMadd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));

/** c - a b, likewise. */
export const subtractProduct = (code: FunctionBuilder, c: V128, a: V128, b: V128): V128 =>
  code.options.relaxed ? f32x4.relaxedNmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));

/** c0 + x (c1 + x (c2 + ...)); `x` is evaluated once a coefficient. */
export const polynomial = (code: FunctionBuilder, x: V128, coefficients: readonly number[]): V128 =>
  coefficients
    .slice(0, -1)
    .reduceRight<V128>(
      (sum, coefficient) => multiplyAdd(code, sum, x, splat(code, coefficient)),
      splat(code, coefficients[coefficients.length - 1]),
    );

/** From here on there are only whole numbers. */
const WHOLE = 2 ** 23;

/**
 * The nearest whole number, half to even; the same bits as `nearest` for every x. V8 of Node 24 does not join `nearest` to
 * 256 bits, and with it nothing that leads to the same store; so there it is made of what is joined.
 */
export function roundEven(code: FunctionBuilder, value: V128): V128 {
  if (!code.options.wide) return f32x4.nearest(value);
  const x = keep(code, value);
  const size = keep(code, f32x4.abs(x));
  const whole = f32x4.sub(f32x4.add(size, splat(code, WHOLE)), splat(code, WHOLE));
  const signed = v128.or(whole, v128.and(x, integers(code, -0x80000000)));
  return v128.bitselect(signed, x, f32x4.lt(size, splat(code, WHOLE)));
}

/** The size of `magnitude` with the sign of `sign`. */
export const copySign = (code: FunctionBuilder, magnitude: V128, sign: V128): V128 =>
  v128.bitselect(sign, magnitude, integers(code, -0x80000000));

/** 1.5 * 2^23: a number below 2^22 added to it is rounded to an integer, half to even, which the lowest bits then hold. */
const ROUNDING_MAGIC = 12582912;

/** The nearest integer n of |x| < 2^22, and 2^n for n from -126 to 127. */
export function nearestPower(code: FunctionBuilder, x: V128): { readonly integer: V128; readonly power: V128 } {
  const shifted = keep(code, f32x4.add(x, splat(code, ROUNDING_MAGIC)));
  return {
    integer: keep(code, f32x4.sub(shifted, splat(code, ROUNDING_MAGIC))),
    power: i32x4.shl(i32x4.add(shifted, integers(code, 127)), i32.const(23)),
  };
}
