/**
 * Pieces of GPU.js source that several kernels share.
 *
 * Outside its `cpu` mode GPU.js computes `/` and `%` in float32, and a GPU's division may be off by
 * a unit in the last place. `splitIndex` therefore corrects its quotient with a multiplication,
 * which is exact for whole numbers below 2^24; the backend keeps larger tensors off these kernels.
 */

import { broadcastStrides } from '../../reference/strides.js';

/** Lengths from here on cannot be indexed exactly in float32. */
export const MAX_LENGTH = 2 ** 24;

/** Declares `quotient` and `remainder` of the whole number `value` by `divisor` (a literal). */
export function splitIndex(value: string, divisor: number, quotient: string, remainder: string): string {
  return `
    let ${quotient} = Math.floor(${value} / ${divisor});
    let ${remainder} = ${value} - ${quotient} * ${divisor};
    if (${remainder} < 0) { ${quotient} = ${quotient} - 1; ${remainder} = ${remainder} + ${divisor}; }
    if (${remainder} >= ${divisor}) { ${quotient} = ${quotient} + 1; ${remainder} = ${remainder} - ${divisor}; }`;
}

/**
 * Declares `result`, the nearest whole number to the variable `value`, ties to even.
 * GPU.js's Math.round gives 3 for 2.5, and adding and subtracting 1.5 * 2^23 is what a shader
 * compiler may simplify away. The difference from the floor is exact, so ties are seen as ties. Zero keeps the value's sign.
 */
export function roundHalfToEven(value: string, result: string): string {
  return `
    let ${result} = Math.floor(${value});
    const ${result}Excess = ${value} - ${result};
    const ${result}IsOdd = ${result} - 2 * Math.floor(${result} * 0.5);
    if (${result}Excess > 0.5) { ${result} = ${result} + 1; }
    if (${result}Excess === 0.5) { ${result} = ${result} + ${result}IsOdd; }
    if (${result} === 0) { ${result} = ${value} * 0; }`;
}

interface Axis {
  extent: number;
  /** Distance between neighbours in each operand; 0 where it is broadcast. */
  steps: number[];
}

/** The axes of `shape` with the operands' strides, without axes of one element, joined where possible. */
function joinedAxes(shape: readonly number[], strides: readonly (readonly number[])[]): Axis[] {
  const axes: Axis[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const steps = strides.map((each) => each[axis]);
    const inner = axes[0];
    if (shape[axis] === 1) {
      continue;
    }
    if (inner !== undefined && steps.every((step, index) => step === inner.steps[index] * inner.extent)) {
      inner.extent *= shape[axis];
    } else {
      axes.unshift({ extent: shape[axis], steps });
    }
  }
  return axes;
}

/** An operand that an array of some shape is computed from: where its first element lies, and how far apart the others are. */
export interface Strided {
  readonly strides: readonly number[];
  /** Default 0. */
  readonly begin?: number;
}

/**
 * Declares for each operand `names[k]`, the position in it that belongs to the position `index` in a row-major array of
 * `shape`. The names of what it declares besides begin with `names[0]`.
 */
export function stridedPositions(
  index: string,
  shape: readonly number[],
  operands: readonly Strided[],
  names: readonly string[],
): string {
  const axes = joinedAxes(
    shape,
    operands.map(({ strides }) => strides),
  );
  const lines: string[] = [];
  const terms = operands.map(({ begin = 0 }) => (begin === 0 ? [] : [`${begin}`]));
  let rest = index;
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    let digit = rest;
    if (axis > 0) {
      digit = `${names[0]}Digit${axis}`;
      lines.push(splitIndex(rest, axes[axis].extent, `${names[0]}Rest${axis}`, digit));
      rest = `${names[0]}Rest${axis}`;
    }
    axes[axis].steps.forEach((step, operand) => {
      if (step !== 0) {
        terms[operand].push(step === 1 ? digit : `${digit} * ${step}`);
      }
    });
  }
  names.forEach((name, operand) => {
    lines.push(`const ${name} = ${terms[operand].join(' + ') || '0'};`);
  });
  return lines.join('\n    ');
}

/**
 * Declares for each operand `names[k]`, the position in it that NumPy broadcasting pairs with the
 * position `index` in a row-major array of `shape`.
 */
export const broadcastPositions = (
  index: string,
  shape: readonly number[],
  operands: readonly (readonly number[])[],
  names: readonly string[],
): string =>
  stridedPositions(
    index,
    shape,
    operands.map((operand) => ({ strides: broadcastStrides(operand, shape) })),
    names,
  );
