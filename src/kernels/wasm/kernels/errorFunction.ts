/** The error function and gelu for float32 vectors, by polynomials. */
import { ERF, ERFC_FAR, ERFC_MIDDLE } from '../../approximations.js';
import { f32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { exp } from './exponential.js';
import { copySign, integers, keep, polynomial, splat } from './vectors.js';

/** erfc(u) / e^(-u^2) for u of at least 1. */
function scaledComplement(code: FunctionBuilder, u: V128): V128 {
  const inverse = keep(code, f32x4.div(splat(code, 1), u));
  const square = keep(code, f32x4.mul(inverse, inverse));
  const factor = v128.bitselect(
    polynomial(code, square, ERFC_MIDDLE),
    polynomial(code, square, ERFC_FAR),
    f32x4.lt(u, splat(code, 2)),
  );
  return f32x4.mul(inverse, factor);
}

/** erf x, within 2e-7. */
export function erf(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  // erf(4) is 1 in float32.
  const u = keep(code, f32x4.pmin(f32x4.abs(x), splat(code, 4)));
  const square = keep(code, f32x4.mul(u, u));
  const near = keep(code, f32x4.mul(x, polynomial(code, square, ERF)));
  const complement = f32x4.mul(exp(code, f32x4.neg(square)), scaledComplement(code, u));
  const far = copySign(code, f32x4.sub(splat(code, 1), complement), x);
  return v128.bitselect(near, far, f32x4.lt(u, splat(code, 1)));
}

/**
 * x erfc(-x / sqrt(2)) / 2. In the lower tail the result is all erfc, so e^(-x^2 / 2) must be exact relative to itself:
 * x is split into 12 bits and a rest, whose squares lose nothing.
 */
export function gelu(code: FunctionBuilder, value: V128): V128 {
  const x = keep(code, value);
  // Beyond 14 the tail is below the numbers.
  const limited = keep(code, f32x4.pmin(f32x4.abs(x), splat(code, 14)));
  const u = keep(code, f32x4.mul(limited, splat(code, Math.SQRT1_2)));
  const high = keep(code, v128.and(limited, integers(code, ~0xfff)));
  const rest = f32x4.mul(f32x4.sub(limited, high), f32x4.add(limited, high));
  const power = exp(
    code,
    f32x4.mul(f32x4.mul(high, high), splat(code, -0.5)),
    keep(code, f32x4.mul(rest, splat(code, -0.5))),
  );
  const tail = keep(code, f32x4.mul(power, scaledComplement(code, u)));
  const upper = v128.bitselect(f32x4.sub(splat(code, 2), tail), tail, f32x4.gt(x, splat(code, 0)));
  const signed = f32x4.mul(x, splat(code, Math.SQRT1_2));
  const near = f32x4.add(splat(code, 1), f32x4.mul(signed, polynomial(code, keep(code, f32x4.mul(u, u)), ERF)));
  const complement = v128.bitselect(near, upper, f32x4.lt(u, splat(code, 1)));
  return f32x4.mul(f32x4.mul(x, splat(code, 0.5)), complement);
}
