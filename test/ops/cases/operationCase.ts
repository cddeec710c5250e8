/** One gradient case of an operation, and ways to draw inputs that stay away from the places without a derivative. */
import type { OperationDefinition } from '../../../src/autograd/operation.js';
import { allocateArray, type DType } from '../../../src/kernels/dtype.js';
import { fromValues } from '../../../src/tensor/create.js';
import type { Generator } from '../../../src/tensor/random.js';
import { type Shape, sizeOf } from '../../../src/tensor/shape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import type { DifferentiableFunction, GradientCheckOptions } from '../gradientCheck.js';

/** A definition, whatever its attributes are. */
export type CheckedOperation = Pick<OperationDefinition, 'type' | 'saves'>;

export interface OperationCase extends GradientCheckOptions {
  /** The definition whose gradient this case checks; it must occur on the tape of `run`. */
  readonly operation: CheckedOperation;
  /** Says what is special; the operation's type is added. */
  readonly name: string;
  /** Draws the inputs; those that are differentiated are float64 and require a gradient. */
  inputs(generator: Generator): Tensor[];
  readonly run: DifferentiableFunction;
}

function draw(shape: Shape, next: () => number, dtype: DType = 'float64', requiresGrad = dtype === 'float64'): Tensor {
  const values = allocateArray(dtype, sizeOf(shape));
  for (let index = 0; index < values.length; index++) values[index] = next();
  return fromValues(values, shape, dtype, { requiresGrad });
}

/** Standard normal values. */
export const normal = (generator: Generator, shape: Shape, requiresGrad = true): Tensor =>
  draw(shape, () => generator.normal(), 'float64', requiresGrad);

/** Uniform values in [low, high). */
export const uniform = (generator: Generator, shape: Shape, low: number, high: number, requiresGrad = true): Tensor =>
  draw(shape, () => low + (high - low) * generator.uniformDouble(), 'float64', requiresGrad);

/** Normal values times two that keep a distance of 0.05 from every kink. */
export function avoiding(generator: Generator, shape: Shape, ...kinks: number[]): Tensor {
  return draw(shape, () => {
    for (;;) {
      const value = 2 * generator.normal();
      if (kinks.every((kink) => Math.abs(value - kink) > 0.05)) return value;
    }
  });
}

/** Distinct values in random order, at least 0.1 apart, around zero: for maxima, sorting and comparisons. */
export function separated(generator: Generator, shape: Shape): Tensor {
  const size = sizeOf(shape);
  const order = Array.from({ length: size }, (_, index) => index);
  for (let index = size - 1; index > 0; index--) {
    const other = generator.integer(0, index + 1);
    [order[index], order[other]] = [order[other], order[index]];
  }
  let position = 0;
  return draw(shape, () => 0.2 * (order[position++] - size / 2) + 0.1 * generator.uniformDouble());
}

/** Whole numbers in [low, high). */
export const integers = (generator: Generator, shape: Shape, low: number, high: number): Tensor =>
  draw(shape, () => generator.integer(low, high), 'int32');

/** True or false with equal probability. */
export const booleans = (generator: Generator, shape: Shape): Tensor =>
  draw(shape, () => generator.integer(0, 2), 'bool');
