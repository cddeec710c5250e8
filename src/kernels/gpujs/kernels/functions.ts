/**
 * Exponentials, logarithms and what is made of them, as statements of a GPU.js source.
 *
 * What a shading language brings is not enough: WGSL allows `exp` 3 + 2 |x| units in the last place and `tanh` an error
 * of 1e-5, and GPU.js's `expm1` and `log1p` lose all digits near zero. These polynomials take nothing but sums, products,
 * floors and comparisons (and quotients, which WGSL allows 2.5 units), and are within about 4e-7 of the value.
 *
 * Each function writes statements that declare `result`, a function of the variable `value`. Names that they declare
 * besides begin with `result`. NaN gives NaN and infinities what they should, where the mode has them at all.
 */
import {
  ARTANH,
  ERF,
  ERFC_FAR,
  ERFC_MIDDLE,
  EXP,
  LN2_HIGH,
  LN2_LOW,
  LOG,
  TANH,
  TANH_LIMIT,
} from '../../approximations.js';

/** The largest float32, below its true value so that no parser rounds it to infinity. */
export const MAX_FLOAT32 = 3.4028234e38;

type FunctionWriter = (value: string, result: string) => string;

/** The polynomial of the variable `x`, coefficients from the lowest power. */
const polynomial = (x: string, coefficients: readonly number[]): string =>
  coefficients
    .slice(0, -1)
    .reduceRight((sum, each) => `(${each} + ${x} * ${sum})`, `${coefficients[coefficients.length - 1]}`);

/**
 * e^value as 2^exponent (1 + rest): declares `resultExponent` and `resultRest`.
 * @param low An addend of at most 0.1 that `value` has no bits for.
 */
const reducedExponential = (value: string, result: string, low?: string): string => `
    let ${result}Argument = ${value};
    if (${result}Argument > 89) { ${result}Argument = 89; }
    if (${result}Argument < -104) { ${result}Argument = -104; }
    let ${result}Exponent = Math.floor(${result}Argument * ${Math.LOG2E} + 0.5);
    const ${result}High = ${result}Argument - ${result}Exponent * ${LN2_HIGH};
    const ${result}R = ${result}High - ${result}Exponent * (${LN2_LOW})${low === undefined ? '' : ` + ${low}`};
    const ${result}Rest = ${result}R + ${result}R * ${result}R * ${polynomial(`${result}R`, EXP)};`;

/**
 * Multiplies `result` by 2 to the power of `resultExponent`, bit by bit: `pow` is not exact on every GPU. The last doubling
 * is apart, because 2^128 is not a float32.
 */
const timesPowerOfTwo = (result: string): string => `
    if (${result}Exponent > 127) { ${result} = ${result} * 2; ${result}Exponent = 127; }
    let ${result}Base = 2;
    if (${result}Exponent < 0) { ${result}Base = 0.5; }
    let ${result}Bits = Math.abs(${result}Exponent);
    for (let ${result}Bit = 0; ${result}Bit < 8; ${result}Bit++) {
      const ${result}Half = Math.floor(${result}Bits * 0.5);
      if (${result}Bits - 2 * ${result}Half > 0.5) { ${result} = ${result} * ${result}Base; }
      ${result}Base = ${result}Base * ${result}Base;
      ${result}Bits = ${result}Half;
    }`;

/** e^(value + low). It is 0 where half the smallest float32 is more, in modes with more bits too. */
export const exponential = (value: string, result: string, low?: string): string => `
    ${reducedExponential(value, result, low)}
    let ${result} = 1 + ${result}Rest;
    ${timesPowerOfTwo(result)}
    if (${result}Argument < -103.98) { ${result} = 0; }`;

/** e^value - 1 for values up to 0. */
export const exponentialMinusOne: FunctionWriter = (value, result) => `
    ${exponential(value, `${result}Power`)}
    let ${result} = ${result}Power - 1;
    if (${result}PowerExponent === 0) { ${result} = ${result}PowerRest; }`;

/** Brings the variable `fraction` to [0.5, 2) by powers of two, which it adds to the variable `exponent`. */
const normalize = (fraction: string, exponent: string): string =>
  [64, 32, 16, 8, 4, 2, 1]
    .map(
      (bits) => `
    if (${fraction} >= ${2 ** bits}) { ${fraction} = ${fraction} * ${2 ** -bits}; ${exponent} = ${exponent} + ${bits}; }
    if (${fraction} < ${2 ** -bits}) { ${fraction} = ${fraction} * ${2 ** bits}; ${exponent} = ${exponent} - ${bits}; }`,
    )
    .join('');

/** ln value; the logarithm of 0 is -Infinity, and of a negative number NaN. */
export const logarithm: FunctionWriter = (value, result) => `
    let ${result}Fraction = ${value};
    let ${result}Exponent = 0;
    if (${value} < ${2 ** -126}) { ${result}Fraction = ${value} * ${2 ** 24}; ${result}Exponent = -24; }
    ${normalize(`${result}Fraction`, `${result}Exponent`)}
    if (${result}Fraction > ${Math.SQRT2}) { ${result}Fraction = ${result}Fraction * 0.5; ${result}Exponent = ${result}Exponent + 1; }
    if (${result}Fraction < ${Math.SQRT1_2}) { ${result}Fraction = ${result}Fraction * 2; ${result}Exponent = ${result}Exponent - 1; }
    const ${result}F = ${result}Fraction - 1;
    const ${result}Square = ${result}F * ${result}F;
    const ${result}Cubic = ${result}Square * ${result}F * ${polynomial(`${result}F`, LOG)};
    const ${result}Tail = ${result}Cubic + ${result}Exponent * (${LN2_LOW}) - 0.5 * ${result}Square;
    let ${result} = ${result}F + ${result}Tail + ${result}Exponent * ${LN2_HIGH};
    if (${value} > ${MAX_FLOAT32}) { ${result} = ${value}; }
    if (${value} === 0) { ${result} = -1 / Math.abs(${value}); }
    if (${value} < 0) { ${result} = Math.sqrt(${value}); }`;

/** 1 / (1 + e^-value), by the quotient whose exponential cannot overflow. */
export const sigmoid: FunctionWriter = (value, result) => `
    const ${result}Size = -Math.abs(${value});
    ${exponential(`${result}Size`, `${result}Power`)}
    let ${result}Numerator = 1;
    if (${value} < 0) { ${result}Numerator = ${result}Power; }
    const ${result} = ${result}Numerator / (1 + ${result}Power);`;

/** A polynomial near zero, (1 - e) / (1 + e) with e = e^(-2 |value|) elsewhere. */
export const hyperbolicTangent: FunctionWriter = (value, result) => `
    const ${result}Size = -2 * Math.abs(${value});
    ${exponential(`${result}Size`, `${result}Power`)}
    const ${result}Square = ${value} * ${value};
    let ${result} = (1 - ${result}Power) / (1 + ${result}Power);
    if (${value} < 0) { ${result} = -${result}; }
    if (Math.abs(${value}) < ${TANH_LIMIT}) { ${result} = ${value} * (1 + ${result}Square * ${polynomial(`${result}Square`, TANH)}); }`;

/** ln(1 + e^value). */
export const softplus: FunctionWriter = (value, result) => `
    const ${result}Size = -Math.abs(${value});
    ${exponential(`${result}Size`, `${result}Power`)}
    const ${result}S = ${result}Power / (2 + ${result}Power);
    const ${result}Square = ${result}S * ${result}S;
    let ${result} = ${result}S * ${polynomial(`${result}Square`, ARTANH)};
    if (${value} > 0) { ${result} = ${value} + ${result}; }`;

/** value tanh(ln(1 + e^value)) = value n / (n + 2) with n = e^value (e^value + 2). */
export const mish: FunctionWriter = (value, result) => `
    let ${result}Limited = ${value};
    if (${result}Limited > 20) { ${result}Limited = 20; }
    ${exponential(`${result}Limited`, `${result}Power`)}
    const ${result}N = ${result}Power * (${result}Power + 2);
    const ${result} = ${value} * (${result}N / (${result}N + 2));`;

/** The tanh approximation of gelu, value sigmoid(2 sqrt(2 / pi) (value + 0.044715 value^3)). */
export const geluTanh: FunctionWriter = (value, result) => {
  const factor = 2 * Math.sqrt(2 / Math.PI);
  return `
    const ${result}Inner = ${value} * (${factor} + ${value} * ${value} * ${factor * 0.044715});
    ${sigmoid(`${result}Inner`, `${result}Sigmoid`)}
    const ${result} = ${value} * ${result}Sigmoid;`;
};

/** Declares erfc(u) e^(u^2) for the variable u of at least 1. */
const scaledComplement: FunctionWriter = (u, result) => `
    const ${result}Inverse = 1 / ${u};
    const ${result}Square = ${result}Inverse * ${result}Inverse;
    let ${result}Factor = ${polynomial(`${result}Square`, ERFC_FAR)};
    if (${u} < 2) { ${result}Factor = ${polynomial(`${result}Square`, ERFC_MIDDLE)}; }
    const ${result} = ${result}Inverse * ${result}Factor;`;

/** Limits the size of `value` to [1, most] for the tail of the error function: declares `resultU`. */
const tailArgument = (value: string, result: string, most: number): string => `
    let ${result}U = Math.abs(${value});
    if (${result}U < 1) { ${result}U = 1; }
    if (${result}U > ${most}) { ${result}U = ${most}; }`;

/** erf(value). It is 1 in float32 from 4 on. */
export const errorFunction: FunctionWriter = (value, result) => `
    ${tailArgument(value, result, 4)}
    const ${result}Negative = -(${result}U * ${result}U);
    ${exponential(`${result}Negative`, `${result}Power`)}
    ${scaledComplement(`${result}U`, `${result}Tail`)}
    let ${result} = 1 - ${result}Power * ${result}Tail;
    if (${value} < 0) { ${result} = -${result}; }
    const ${result}Square = ${value} * ${value};
    if (Math.abs(${value}) < 1) { ${result} = ${value} * ${polynomial(`${result}Square`, ERF)}; }`;

/**
 * value erfc(-value / sqrt(2)) / 2. In the lower tail the result is all erfc, so e^(-value^2 / 2) must be exact relative
 * to itself: the value is split into 12 bits and a rest, whose squares lose nothing.
 */
export const gelu: FunctionWriter = (value, result) => `
    const ${result}Scaled = ${value} * ${Math.SQRT1_2};
    let ${result}Size = Math.abs(${value});
    if (${result}Size > 14) { ${result}Size = 14; }
    const ${result}Coarse = Math.floor(${result}Size * 256) * ${1 / 256};
    const ${result}Main = -0.5 * ${result}Coarse * ${result}Coarse;
    const ${result}Low = -0.5 * (${result}Size - ${result}Coarse) * (${result}Size + ${result}Coarse);
    ${exponential(`${result}Main`, `${result}Power`, `${result}Low`)}
    ${tailArgument(`${result}Scaled`, result, 14)}
    ${scaledComplement(`${result}U`, `${result}Tail`)}
    let ${result}Complement = ${result}Power * ${result}Tail;
    if (${value} < -14) { ${result}Complement = 0; }
    if (${value} > 0) { ${result}Complement = 2 - ${result}Complement; }
    const ${result}Square = ${result}Scaled * ${result}Scaled;
    if (Math.abs(${result}Scaled) < 1) { ${result}Complement = 1 + ${result}Scaled * ${polynomial(`${result}Square`, ERF)}; }
    const ${result} = ${value} * 0.5 * ${result}Complement;`;
