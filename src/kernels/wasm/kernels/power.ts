/**
 * a^b = e^(b ln a) for float32 vectors. An error of the logarithm is multiplied by b and by the size of the result's
 * logarithm, so ln a and the product are in double precision, and the exponential takes the product in two parts. The
 * result is within 4e-7 of the value.
 */
import { f32x4, f64, f64x2, i32, i32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { exp } from './exponential.js';
import { shuffleLanes } from './spans.js';
import { integers, keep, splat } from './vectors.js';

const SMALLEST_NORMAL = 2 ** -126;
/** The bits of sqrt(1/2). */
const SQRT_HALF_BITS = 0x3f3504f3;
/** Terms of 2 artanh(t) / t in t^2, for |t| up to 0.172. */
const SERIES = Array.from({ length: 8 }, (_, index) => 2 / (2 * index + 1));

const double = (code: FunctionBuilder, value: number): V128 =>
  code.constant(`f64 ${value}`, f64x2.splat(f64.const(value)));

/** ln(2^n m) in two lanes, with m from sqrt(1/2) to sqrt(2): n ln 2 + 2 artanh((m - 1) / (m + 1)). */
function logarithm(code: FunctionBuilder, exponent: V128, fraction: V128): V128 {
  const m = keep(code, f64x2.promoteLowF32x4(fraction));
  const t = keep(code, f64x2.div(f64x2.sub(m, double(code, 1)), f64x2.add(m, double(code, 1))));
  const square = keep(code, f64x2.mul(t, t));
  const series = SERIES.slice(0, -1).reduceRight<V128>(
    (sum, coefficient) => f64x2.add(f64x2.mul(sum, square), double(code, coefficient)),
    double(code, SERIES[SERIES.length - 1]),
  );
  const whole = f64x2.mul(f64x2.promoteLowF32x4(exponent), double(code, Math.LN2));
  return f64x2.add(whole, f64x2.mul(t, series));
}

/** |a| as 2^n m; n is infinite for zero and infinity. */
function split(code: FunctionBuilder, size: V128): { readonly exponent: V128; readonly fraction: V128 } {
  const small = keep(code, f32x4.lt(size, splat(code, SMALLEST_NORMAL)));
  const bits = keep(code, v128.bitselect(f32x4.mul(size, splat(code, 2 ** 24)), size, small));
  const n = keep(code, i32x4.shrS(i32x4.sub(bits, integers(code, SQRT_HALF_BITS)), i32.const(23)));
  const finite = f32x4.sub(f32x4.convertI32x4S(n), v128.and(small, splat(code, 24)));
  const nonzero = v128.bitselect(splat(code, Number.NEGATIVE_INFINITY), finite, f32x4.eq(size, splat(code, 0)));
  // Infinity and NaN are their own exponents.
  const exponent = v128.bitselect(nonzero, size, f32x4.lt(size, splat(code, Number.POSITIVE_INFINITY)));
  return {
    exponent: keep(code, exponent),
    fraction: keep(code, i32x4.sub(bits, i32x4.shl(n, i32.const(23)))),
  };
}

/** As `Math.pow`: 1 for b = 0, NaN for a negative number to a broken exponent and for 1 to an infinite one. */
export function power(code: FunctionBuilder, left: V128, right: V128): V128 {
  const [a, b] = [keep(code, left), keep(code, right)];
  const { exponent, fraction } = split(code, keep(code, f32x4.abs(a)));
  const upper = (value: V128): V128 => shuffleLanes(value, value, [2, 3, 2, 3]);
  const halves = [
    [exponent, fraction, b],
    [upper(exponent), upper(fraction), upper(b)],
  ].map(([n, m, factor]) => {
    const product = keep(code, f64x2.mul(f64x2.promoteLowF32x4(factor), logarithm(code, n, m)));
    const high = keep(code, f32x4.demoteF64x2Zero(product));
    return { high, low: keep(code, f32x4.demoteF64x2Zero(f64x2.sub(product, f64x2.promoteLowF32x4(high)))) };
  });
  const join = (part: 'high' | 'low'): V128 => keep(code, shuffleLanes(halves[0][part], halves[1][part], [0, 1, 4, 5]));
  const size = exp(code, join('high'), join('low'));

  const broken = keep(code, f32x4.ne(f32x4.trunc(b), b));
  const half = keep(code, f32x4.mul(b, splat(code, 0.5)));
  const odd = v128.andnot(f32x4.ne(f32x4.trunc(half), half), broken);
  const signed = keep(code, v128.xor(size, v128.and(v128.and(a, odd), integers(code, -0x80000000))));
  const negative = v128.and(f32x4.lt(a, splat(code, 0)), f32x4.gt(a, splat(code, Number.NEGATIVE_INFINITY)));
  const real = v128.bitselect(splat(code, Number.NaN), signed, v128.and(negative, broken));
  return v128.bitselect(splat(code, 1), real, f32x4.eq(b, splat(code, 0)));
}
