/**
 * a^b as `Math.pow` gives it. Whole exponents up to 31 are products, which lose little; others go by e^(b ln |a|), whose
 * relative error is that of the logarithm times b ln |a|.
 */
import { exponential, logarithm, MAX_FLOAT32 } from './functions.js';

const MOST_PRODUCTS = 31;

/** Declares `result`, `base` to the power of the whole number `exponent`, by repeated squaring. */
const products = (base: string, exponent: string, result: string): string => `
      let ${result}Square = ${base};
      let ${result}Rest = Math.abs(${exponent});
      let ${result}Product = 1;
      for (let ${result}Bit = 0; ${result}Bit < 5; ${result}Bit++) {
        const ${result}Half = Math.floor(${result}Rest * 0.5);
        if (${result}Rest - 2 * ${result}Half > 0.5) { ${result}Product = ${result}Product * ${result}Square; }
        ${result}Square = ${result}Square * ${result}Square;
        ${result}Rest = ${result}Half;
      }
      if (${exponent} < 0) { ${result}Product = 1 / ${result}Product; }`;

export const power = (a: string, b: string, y: string): string => `
    const ${y}Size = Math.abs(${a});
    ${logarithm(`${y}Size`, `${y}Logarithm`)}
    const ${y}Product = ${b} * ${y}Logarithm;
    ${exponential(`${y}Product`, y)}
    const ${y}Whole = Math.floor(${b});
    const ${y}HalfWhole = Math.floor(${b} * 0.5);
    if (${a} < 0 && ${b} === ${y}Whole && ${b} !== 2 * ${y}HalfWhole) { ${y} = -${y}; }
    if (${a} < 0 && ${b} !== ${y}Whole && ${y}Size <= ${MAX_FLOAT32}) { ${y} = Math.sqrt(${a}); }
    if (${b} === ${y}Whole && Math.abs(${b}) <= ${MOST_PRODUCTS}) {
      ${products(a, b, `${y}Whole`)}
      ${y} = ${y}WholeProduct;
    }`;
