/**
 * The larger or the smaller of two numbers. NaN wins over every number, and 0 over -0 in a maximum, -0 over 0 in a
 * minimum, as in `Math.max` and `Math.min`; the functions of shading languages promise neither.
 */

type Extreme = 'max' | 'min';

/**
 * Declares `y`, the extreme of the variables a and b. The sum stands for zeros, and for what is not ordered: a comparison of
 * a variable with itself, which is how NaN is told elsewhere, may be folded away by a compiler.
 */
export function extreme(which: Extreme, a: string, b: string, y: string): string {
  const order = which === 'max' ? '>' : '<';
  return `let ${y} = ${which === 'max' ? `${a} + ${b}` : `-(-${a} - ${b})`};
    if (${a} ${order} ${b}) { ${y} = ${a}; }
    if (${b} ${order} ${a}) { ${y} = ${b}; }
    if (${a} === ${b} && ${a} !== 0) { ${y} = ${a}; }`;
}
