/**
 * Scalar functions that JavaScript lacks: rounding half to even, the error function and the
 * activations made from it. All of them are accurate to a few units in the last place of a double.
 */

/** 1.5 * 2^52: adding it to a double of magnitude below 2^51 leaves the nearest integer, ties to even. */
const ROUNDING_MAGIC = 6755399441055744;
const TWO_TO_51 = 2251799813685248;
const TWO_TO_52 = 4503599627370496;

/**
 * Nearest integer, ties to even, for |x| < 2^51; keeps the sign of zero, NaN and infinities. Without the
 * range check it is cheap enough for the inner loop of fake quantization, whose codes are small.
 */
export function roundSmallHalfEven(x: number): number {
  const rounded = x + ROUNDING_MAGIC - ROUNDING_MAGIC;
  return rounded === 0 ? x * 0 : rounded;
}

/** Nearest integer, ties to even (IEEE 754 roundToIntegralTiesToEven), keeping the sign of zero, NaN and infinities. */
export function roundHalfEven(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < TWO_TO_51) {
    return roundSmallHalfEven(x);
  }
  if (magnitude < TWO_TO_52) {
    // Multiples of a half, too large for the magic number.
    const below = Math.floor(x);
    return x === below || below % 2 === 0 ? below : below + 1;
  }
  return x;
}

// Coefficients of the rational Chebyshev approximations in W. J. Cody, "Rational Chebyshev
// approximations for the error function", Mathematics of Computation 23 (1969), 631-637, as
// tabulated in SPECFUN (netlib.org/specfun/erf) and shortened to doubles. Numerators have their
// leading coefficient last.
const NEAR_NUMERATOR = [
  3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694, 0.18577770618460315,
] as const;
const NEAR_DENOMINATOR = [23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171] as const;
const MIDDLE_NUMERATOR = [
  0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769, 1712.0476126340707,
  2051.0783778260716, 1230.3393547979972, 2.1531153547440383e-8,
] as const;
const MIDDLE_DENOMINATOR = [
  15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597, 4362.619090143247,
  3439.3676741437216, 1230.3393548037495,
] as const;
const FAR_NUMERATOR = [
  0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275, 0.0006587491615298378,
  0.016315387137302097,
] as const;
const FAR_DENOMINATOR = [
  2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
] as const;

const INVERSE_SQRT_PI = 0.5641895835477563;
/** Up to here erf is approximated itself; above it, erfc is. */
const NEAR_LIMIT = 0.46875;

/** erf on [-0.46875, 0.46875]: x R(x^2). */
function erfNear(x: number): number {
  const square = x * x;
  let numerator = NEAR_NUMERATOR[4] * square;
  let denominator = square;
  for (let index = 0; index < 3; index++) {
    numerator = (numerator + NEAR_NUMERATOR[index]) * square;
    denominator = (denominator + NEAR_DENOMINATOR[index]) * square;
  }
  return (x * (numerator + NEAR_NUMERATOR[3])) / (denominator + NEAR_DENOMINATOR[3]);
}

/** e^(-y^2) with y split into sixteenths and a rest, so that squaring loses no bits. */
function expNegativeSquare(y: number): number {
  const coarse = Math.trunc(y * 16) / 16;
  const rest = (y - coarse) * (y + coarse);
  return Math.exp(-coarse * coarse) * Math.exp(-rest);
}

/** erfc for y > 0.46875. */
function erfcFar(y: number): number {
  if (y > 28) {
    return 0; // below the smallest double; also infinity, which the split below cannot take
  }
  if (y <= 4) {
    let numerator = MIDDLE_NUMERATOR[8] * y;
    let denominator = y;
    for (let index = 0; index < 7; index++) {
      numerator = (numerator + MIDDLE_NUMERATOR[index]) * y;
      denominator = (denominator + MIDDLE_DENOMINATOR[index]) * y;
    }
    return (expNegativeSquare(y) * (numerator + MIDDLE_NUMERATOR[7])) / (denominator + MIDDLE_DENOMINATOR[7]);
  }
  const inverse = 1 / (y * y);
  let numerator = FAR_NUMERATOR[5] * inverse;
  let denominator = inverse;
  for (let index = 0; index < 4; index++) {
    numerator = (numerator + FAR_NUMERATOR[index]) * inverse;
    denominator = (denominator + FAR_DENOMINATOR[index]) * inverse;
  }
  const correction = (inverse * (numerator + FAR_NUMERATOR[4])) / (denominator + FAR_DENOMINATOR[4]);
  return (expNegativeSquare(y) * (INVERSE_SQRT_PI - correction)) / y;
}

/** The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
export function erf(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude > NEAR_LIMIT)) {
    return erfNear(x);
  }
  const value = 1 - erfcFar(magnitude);
  return x < 0 ? -value : value;
}

/** 1 - erf(x), without cancellation for large x. */
export function erfc(x: number): number {
  if (!(Math.abs(x) > NEAR_LIMIT)) {
    return 1 - erfNear(x);
  }
  return x < 0 ? 2 - erfcFar(-x) : erfcFar(x);
}

/** The logistic function 1 / (1 + e^-x), by the branch whose exponential cannot overflow. */
export function sigmoid(x: number): number {
  if (x < 0) {
    const power = Math.exp(x);
    return power / (1 + power);
  }
  return 1 / (1 + Math.exp(-x));
}

/** ln(1 + e^x), stable for large |x|. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** x times the normal distribution function at x; erfc keeps the digits of the lower tail. */
export const gelu = (x: number): number => 0.5 * x * erfc(-x * Math.SQRT1_2);

const SQRT_2_OVER_PI = 0.7978845608028654;

/** The tanh approximation of gelu (Hendrycks and Gimpel, 2016). */
export const geluTanh = (x: number): number => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));

/** x sigmoid(x). */
export const swish = (x: number): number => x * sigmoid(x);

/** x min(max(x + 3, 0), 6) / 6. */
export const hswish = (x: number): number => (x * Math.min(Math.max(x + 3, 0), 6)) / 6;

/** min(max(x + 3, 0), 6) / 6. */
export const hsigmoid = (x: number): number => Math.min(Math.max(x + 3, 0), 6) / 6;

/** x tanh(softplus(x)) (Misra, 2019). */
export const mish = (x: number): number => x * Math.tanh(softplus(x));
