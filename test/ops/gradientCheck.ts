/**
 * Compares gradients of the tape with central finite differences, in float64. Small functions are compared entry by
 * entry of their Jacobian; larger ones by the gradient of a random combination of their outputs.
 */
import { backward, noGrad } from '../../src/autograd/index.js';
import { isFloating, type TypedArray } from '../../src/kernels/dtype.js';
import { fromValues } from '../../src/tensor/create.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';

export type DifferentiableFunction = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

export interface GradientCheckOptions {
  /** Largest |analytic - numeric| / (1 + |numeric|). Default: 1e-6. */
  readonly tolerance?: number;
  /** Step of the differences, relative to 1 + |x|. Default: 1e-5. */
  readonly step?: number;
  /** Up to how many Jacobian entries every one is compared. Default: 2048. */
  readonly fullJacobian?: number;
}

const floatingOutputs = (result: Tensor | readonly Tensor[]): Tensor[] =>
  (Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor]).filter(({ dtype }) => isFloating(dtype));

/** Values of all floating outputs in one array. */
const flatten = (outputs: readonly Tensor[]): number[] => outputs.flatMap((output) => Array.from(output.dataSync()));

/** Backpropagates `weights`, one per element of all outputs, and returns the gradients of the inputs. */
function analytic(
  evaluate: DifferentiableFunction,
  inputs: readonly Tensor[],
  weights: readonly number[],
): (TypedArray | null)[] {
  for (const input of inputs) input.grad = null;
  const outputs = floatingOutputs(evaluate(...inputs));
  let start = 0;
  outputs.forEach((output, index) => {
    const values = Float64Array.from(weights.slice(start, start + output.size));
    start += output.size;
    if (!output.requiresGrad) {
      throw new Error(`output ${index} does not depend on any input that requires a gradient`);
    }
    const gradient = fromValues(values, output.shape, 'float64', { backend: output.backend });
    backward(output, { gradient, retainGraph: index + 1 < outputs.length });
  });
  return inputs.map(({ grad }) => grad?.dataSync() ?? null);
}

/**
 * Throws unless the gradients of `evaluate` with respect to those of its inputs that require one (float64 leaves) are
 * right. `evaluate` must be deterministic, and smooth around the inputs.
 */
export function checkGradients(
  evaluate: DifferentiableFunction,
  inputs: readonly Tensor[],
  options: GradientCheckOptions = {},
): void {
  const { tolerance = 1e-6, step = 1e-5, fullJacobian = 2048 } = options;
  const checked = inputs.flatMap((input, index) => (input.requiresGrad ? [index] : []));
  if (checked.length === 0) throw new Error('checkGradients needs an input that requires a gradient');
  for (const index of checked) {
    if (inputs[index].dtype !== 'float64') throw new Error(`input ${index} is ${inputs[index].dtype}; use float64`);
  }

  const evaluateAt = (moved: number, element: number, value: number): number[] => {
    const shifted = inputs.map((input, index) => {
      const values = input.dataSync();
      if (index === moved) values[element] = value;
      return fromValues(values, input.shape, input.dtype, { backend: input.backend });
    });
    return noGrad(() => flatten(floatingOutputs(evaluate(...shifted))));
  };

  /** Column of the Jacobian: the derivative of every output element by one input element. */
  const columns = checked.map((index) =>
    Array.from(inputs[index].dataSync(), (value, element) => {
      const delta = step * (1 + Math.abs(value));
      const [above, below] = [evaluateAt(index, element, value + delta), evaluateAt(index, element, value - delta)];
      // The distance between the two points as they were rounded.
      const distance = value + delta - (value - delta);
      return above.map((result, output) => (result - below[output]) / distance);
    }),
  );

  const compare = (weights: readonly number[], what: string): void => {
    const gradients = analytic(evaluate, inputs, weights);
    inputs.forEach((input, index) => {
      const position = checked.indexOf(index);
      const gradient = gradients[index];
      if (position < 0) {
        if (gradient) throw new Error(`input ${index} requires no gradient but got one`);
        return;
      }
      if (input.grad && input.grad.dtype !== 'float64')
        throw new Error(`the gradient of input ${index} is ${input.grad.dtype}`);
      columns[position].forEach((column, element) => {
        const numeric = column.reduce((total, derivative, output) => total + derivative * weights[output], 0);
        // An input without a gradient is one that the outputs do not depend on.
        const found = gradient?.[element] ?? 0;
        if (!(Math.abs(found - numeric) <= tolerance * (1 + Math.abs(numeric)))) {
          throw new Error(
            `gradient of ${what} by element ${element} of input ${index} (shape [${input.shape}]): ` +
              `the tape gives ${found}, finite differences ${numeric}`,
          );
        }
      });
    });
  };

  const outputSize = noGrad(() => flatten(floatingOutputs(evaluate(...inputs)))).length;
  if (outputSize === 0) throw new Error('checkGradients needs a floating-point output that is not empty');
  const inputSize = columns.reduce((total, each) => total + each.length, 0);
  if (outputSize * inputSize <= fullJacobian) {
    for (let output = 0; output < outputSize; output++) {
      compare(
        Array.from({ length: outputSize }, (_, index) => Number(index === output)),
        `output element ${output}`,
      );
    }
  }
  const generator = new Generator(1);
  compare(
    Array.from({ length: outputSize }, () => generator.normal()),
    'a random combination of the outputs',
  );
}
