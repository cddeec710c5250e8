/**
 * Arithmetic of the integer types on a device that holds whole numbers as float32, exact up to 2^24. The small types
 * wrap as typed arrays do; of int32, only what cannot leave the exact numbers is computed there.
 */
import type { DType } from '../../dtype.js';

/** The types that wrap at 2^8, with their lowest value. */
const LOWEST: Partial<Readonly<Record<DType, number>>> = { int8: -128, uint8: 0 };

/** Whether sums and products of the type stay exact until they are wrapped. */
export const isSmallInteger = (dtype: DType): boolean => LOWEST[dtype] !== undefined;

/** Wraps the variable `y`, a whole number, to the type; nothing for types that do not wrap. */
export function wrap(y: string, dtype: DType): string {
  const lowest = LOWEST[dtype];
  // The quotient is a product with a power of two, so it is exact.
  return lowest === undefined ? '' : `${y} = ${y} - 256 * Math.floor((${y} + ${-lowest}) * ${1 / 256});`;
}

/**
 * Declares `y`, the quotient of the whole numbers a and b, rounded down; 0 for b = 0. In float32 a quotient just below a
 * whole number is rounded to it, so it is set right by its remainder, which is exact.
 */
export const floorDivide = (a: string, b: string, y: string): string => `
    let ${y} = 0;
    if (${b} !== 0) {
      ${y} = Math.floor(${a} / ${b});
      let ${y}Remainder = ${a} - ${y} * ${b};
      if (${b} < 0) { ${y}Remainder = -${y}Remainder; }
      if (${y}Remainder < 0) { ${y} = ${y} - 1; }
      if (${y}Remainder >= Math.abs(${b})) { ${y} = ${y} + 1; }
    }`;
