/**
 * The quantile of the standard normal distribution with the same bits on every platform. `Math.log`
 * and `Math.cos` may differ in their last bits from engine to engine, so nothing but + - * / and the
 * square root is used here (engines compute the latter with the IEEE 754 instruction).
 */

/** Largest power of the series below; the next term is under 1e-18 relative for |f| <= 3 - 2 sqrt(2). */
const LAST_ODD_POWER = 23;

/** Coefficients of the series, the highest power first. */
const SERIES = Array.from({ length: (LAST_ODD_POWER + 1) / 2 }, (_, index) => 1 / (LAST_ODD_POWER - 2 * index));

/** Powers of two that bring a positive number under the square root of two, and their exponents. */
const EXPONENTS = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1];
const POWERS = EXPONENTS.map((exponent) => 2 ** exponent);

/** Natural logarithm of 0 < x <= 1 by ln m = 2 artanh((m - 1) / (m + 1)), m the mantissa around 1. */
export function portableLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  // Products with powers of two are exact.
  for (let index = 0; index < POWERS.length; index++) {
    while (mantissa * POWERS[index] < Math.SQRT2) {
      mantissa *= POWERS[index];
      exponent -= EXPONENTS[index];
    }
  }
  const f = (mantissa - 1) / (mantissa + 1);
  const square = f * f;
  return exponent * Math.LN2 + 2 * f * polynomial(SERIES, square);
}

/** Coefficients of numerator and denominator, the highest power first. */
interface Rational {
  readonly numerator: readonly number[];
  readonly denominator: readonly number[];
}

// The three approximations of AS 241's PPND16: the middle, the tails, the far tails.
const MIDDLE: Rational = {
  numerator: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  denominator: [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
};
const TAIL: Rational = {
  numerator: [
    7.745450142783414e-4, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  denominator: [
    1.0507500716444169e-9, 5.475938084995345e-4, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
};
const FAR_TAIL: Rational = {
  numerator: [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  denominator: [
    2.0442631033899397e-15, 1.4215117583164459e-7, 1.8463183175100548e-5, 7.868691311456133e-4, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
};

function polynomial(coefficients: readonly number[], x: number): number {
  let value = coefficients[0];
  for (let index = 1; index < coefficients.length; index++) value = value * x + coefficients[index];
  return value;
}

const evaluate = (rational: Rational, x: number): number =>
  polynomial(rational.numerator, x) / polynomial(rational.denominator, x);

/**
 * The x >= 0 that a standard normal variable exceeds with probability `tail`, about 1e-15 relative.
 *
 * Source: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution",
 * Applied Statistics 37 (1988) 477-484, https://doi.org/10.2307/2347330.
 *
 * @param tail a probability, 0 < tail <= 0.5
 */
export function upperNormalQuantile(tail: number): number {
  const fromMiddle = 0.5 - tail;
  if (fromMiddle <= 0.425) return fromMiddle * evaluate(MIDDLE, 0.180625 - fromMiddle * fromMiddle);
  const depth = Math.sqrt(-portableLog(tail));
  return depth <= 5 ? evaluate(TAIL, depth - 1.6) : evaluate(FAR_TAIL, depth - 5);
}
