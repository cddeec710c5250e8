/**
 * Pieces of GPU.js source that several kernels share.
 *
 * Outside its `cpu` mode GPU.js computes `/` and `%` in float32, and a GPU's division may be off by
 * a unit in the last place. `splitIndex` therefore corrects its quotient with a multiplication,
 * which is exact for whole numbers below 2^24; the backend keeps larger tensors off these kernels.
 */

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
 * compiler may simplify away. The difference from the floor is exact, so ties are seen as ties.
 */
export function roundHalfToEven(value: string, result: string): string {
  return `
    let ${result} = Math.floor(${value});
    const ${result}Excess = ${value} - ${result};
    const ${result}IsOdd = ${result} - 2 * Math.floor(${result} * 0.5);
    if (${result}Excess > 0.5) { ${result} = ${result} + 1; }
    if (${result}Excess === 0.5) { ${result} = ${result} + ${result}IsOdd; }`;
}

interface BroadcastAxis {
  extent: number;
  /** Distance between neighbours in each operand; 0 where it is broadcast. */
  steps: number[];
}

/** The axes of `shape` with the operands' strides, without axes of one element, joined where possible. */
function broadcastAxes(shape: readonly number[], operands: readonly (readonly number[])[]): BroadcastAxis[] {
  const axes: BroadcastAxis[] = [];
  const strides = operands.map(() => 1);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const steps = operands.map((operand, index) => {
      const extent = operand[axis - shape.length + operand.length] ?? 1;
      const step = extent === 1 ? 0 : strides[index];
      strides[index] *= extent;
      return step;
    });
    const inner = axes[0];
    if (inner !== undefined && steps.every((step, index) => step === inner.steps[index] * inner.extent)) {
      inner.extent *= shape[axis];
    } else if (shape[axis] !== 1) {
      axes.unshift({ extent: shape[axis], steps });
    }
  }
  return axes;
}

/**
 * Declares for each operand `names[k]`, the position in it that NumPy broadcasting pairs with the
 * position `index` in a row-major array of `shape`.
 */
export function broadcastPositions(
  index: string,
  shape: readonly number[],
  operands: readonly (readonly number[])[],
  names: readonly string[],
): string {
  const axes = broadcastAxes(shape, operands);
  const lines: string[] = [];
  const terms: string[][] = operands.map(() => []);
  let rest = index;
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    let digit = rest;
    if (axis > 0) {
      digit = `digit${axis}`;
      lines.push(splitIndex(rest, axes[axis].extent, `rest${axis}`, digit));
      rest = `rest${axis}`;
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
