/**
 * Exponentials, logarithms and what is made of them, for float32 vectors. Polynomials have fixed coefficients and, in
 * portable mode, plain multiplications and additions, so that the results are the same bits on every machine. Where no other bound is given they
 * are within 3e-7 of the value.
 */
import { ARTANH, EXP, LN2_HIGH, LN2_LOW, LOG, TANH, TANH_LIMIT } from '../../approximations.js';
import { f32x4, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { copySign, integers, keep, multiplyAdd, nearestPower, polynomial, splat, subtractProduct } from './vectors.js';

/** Logarithms of the largest float32 and of the smallest normal one. */
const LARGEST = 88.72283;
const SMALLEST = -87.33654;

/** e^x = 2^n e^r with |r| <= ln(2) / 2, x not below the smallest normal number; gives 2^n and e^r - 1. */
function reducedExp(code: FunctionBuilder, x: V128, low: V128 | null): { readonly power: V128; readonly rest: V128 } {
  // 2^128 is beyond the numbers, so near the upper end r grows to ln(2) instead, where the error is 2e-6.
  const exponent = f32x4.pmin(f32x4.mul(x, splat(code, Math.LOG2E)), splat(code, 127));
  const { integer, power } = nearestPower(code, exponent);
  const high = subtractProduct(code, x, integer, splat(code, LN2_HIGH));
  const exact = subtractProduct(code, high, integer, splat(code, LN2_LOW));
  const r = keep(code, low ? f32x4.add(exact, low) : exact);
  return { power, rest: multiplyAdd(code, f32x4.mul(r, r), polynomial(code, r, EXP), r) };
}

/** e^(x + low) for a |low| of at most 0.1 that x has no bits for; 0 where the result is below the normal numbers. */
export function exp(code: FunctionBuilder, value: V128, low: V128 | null = null): V128 {
  const x = keep(code, value);
  const { power, rest } = reducedExp(code, keep(code, f32x4.pmax(x, splat(code, SMALLEST))), low);
  const result = f32x4.mul(f32x4.add(rest, splat(code, 1)), power);
  const finite = v128.bitselect(splat(code, Number.POSITIVE_INFINITY), result, f32x4.gt(x, splat(code, LARGEST)));
  return v128.andnot(finite, f32x4.lt(x, splat(code, SMALLEST)));
}

/** e^x - 1 for x <= 0, also close to zero. */
export function expMinusOne(code: FunctionBuilder, x: V128): V128 {
  const { power, rest } = reducedExp(code, keep(code, f32x4.pmax(x, splat(code, SMALLEST))), null);
  const scale = keep(code, power);
  return f32x4.add(f32x4.mul(scale, rest), f32x4.sub(scale, splat(code, 1)));
}

const SMALLEST_NORMAL = 2 ** -126;
/** The bits of sqrt(1/2). */
const SQRT_HALF_BITS = 0x3f3504f3;

/** ln x; -Infinity at 0, NaN below. */
export function log(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  // Numbers below the normal ones are scaled into them.
  const small = keep(code, f32x4.lt(x, splat(code, SMALLEST_NORMAL)));
  const bits = keep(code, v128.bitselect(f32x4.mul(x, splat(code, 2 ** 24)), x, small));
  const exponent = keep(code, i32x4.shrS(i32x4.sub(bits, integers(code, SQRT_HALF_BITS)), i32.const(23)));
  const fraction = i32x4.sub(bits, i32x4.shl(exponent, i32.const(23)));
  const f = keep(code, f32x4.sub(fraction, splat(code, 1)));
  const n = keep(code, f32x4.sub(f32x4.convertI32x4S(exponent), v128.and(small, splat(code, 24))));
  const square = keep(code, f32x4.mul(f, f));
  const cubic = f32x4.mul(f32x4.mul(polynomial(code, f, LOG), f), square);
  const tail = f32x4.sub(f32x4.add(cubic, f32x4.mul(n, splat(code, LN2_LOW))), f32x4.mul(square, splat(code, 0.5)));
  const result = f32x4.add(f32x4.add(f, tail), f32x4.mul(n, splat(code, LN2_HIGH)));
  const finite = v128.bitselect(result, x, f32x4.lt(x, splat(code, Number.POSITIVE_INFINITY)));
  const [pole, outside] = [splat(code, Number.NEGATIVE_INFINITY), splat(code, Number.NaN)];
  const special = v128.bitselect(pole, outside, f32x4.eq(x, splat(code, 0)));
  return v128.bitselect(special, finite, f32x4.le(x, splat(code, 0)));
}

/** ln(1 + z) for z from 0 to 1, as 2 artanh(z / (2 + z)) by its power series; exact relative to z. */
function logOnePlus(code: FunctionBuilder, value: V128): V128 {
  const z = keep(code, value);
  const s = keep(code, f32x4.div(z, f32x4.add(z, splat(code, 2))));
  const square = keep(code, f32x4.mul(s, s));
  return f32x4.mul(s, polynomial(code, square, ARTANH));
}

/** ln(1 + e^x). */
export function softplus(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  const correction = logOnePlus(code, exp(code, f32x4.neg(f32x4.abs(x))));
  return f32x4.add(f32x4.pmax(x, splat(code, 0)), correction);
}

/** x tanh(ln(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2). */
export function mish(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  const power = keep(code, exp(code, f32x4.pmin(x, splat(code, 20))));
  const n = keep(code, f32x4.mul(power, f32x4.add(power, splat(code, 2))));
  return f32x4.mul(x, f32x4.div(n, f32x4.add(n, splat(code, 2))));
}

/** 1 / (1 + e^-x). */
export function sigmoid(code: FunctionBuilder, x: V128): V128 {
  return f32x4.div(splat(code, 1), f32x4.add(splat(code, 1), exp(code, f32x4.neg(x))));
}

/** A polynomial near zero, (1 - e) / (1 + e) with e = e^(-2|x|) elsewhere. */
export function tanh(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  const square = keep(code, f32x4.mul(x, x));
  const near = keep(code, f32x4.add(x, f32x4.mul(f32x4.mul(x, square), polynomial(code, square, TANH))));
  const e = keep(code, exp(code, f32x4.mul(f32x4.abs(x), splat(code, -2))));
  const far = f32x4.div(f32x4.sub(splat(code, 1), e), f32x4.add(splat(code, 1), e));
  return v128.bitselect(near, copySign(code, far, x), f32x4.lt(f32x4.abs(x), splat(code, TANH_LIMIT)));
}

/** The tanh approximation of gelu, x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)). */
export function geluTanh(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  const factor = 2 * Math.sqrt(2 / Math.PI);
  const cubic = f32x4.add(f32x4.mul(f32x4.mul(x, x), splat(code, factor * 0.044715)), splat(code, factor));
  return f32x4.mul(x, sigmoid(code, f32x4.mul(x, cubic)));
}
