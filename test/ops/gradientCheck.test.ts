/** The gradient check itself must notice wrong gradients. */
import { describe, expect, it } from 'vitest';
import { customFunction } from '../../src/autograd/index.js';
import { add } from '../../src/ops/elementwise/add.js';
import { multiply } from '../../src/ops/elementwise/multiply.js';
import { sum } from '../../src/ops/movement/broadcast.js';
import { tensor } from '../../src/tensor/create.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { checkGradients } from './gradientCheck.js';

const leaf = (): Tensor => tensor([1, -2, 3], { dtype: 'float64', requiresGrad: true });

/** x^2 with the derivative 2 x + error in its first element. */
const square = (error: number): ((x: Tensor) => Tensor) =>
  customFunction<[Tensor]>({
    forward(context, x) {
      context.saveForBackward(x);
      return multiply(x, x);
    },
    backward: ({ saved: [x] }, gradient) => [
      multiply(gradient, add(multiply(x, 2), tensor([error, 0, 0], { dtype: 'float64' }))),
    ],
  });

describe('checkGradients', () => {
  it('accepts a right gradient', () => {
    expect(() => checkGradients(square(0), [leaf()])).not.toThrow();
  });

  it.each([1e-4, -0.5])('finds an error of %s in one element', (error) => {
    expect(() => checkGradients(square(error), [leaf()])).toThrow(/element 0 of input 0/);
  });

  it('finds an error by a random combination alone', () => {
    expect(() => checkGradients(square(1e-3), [leaf()], { fullJacobian: 0 })).toThrow(/random combination/);
  });

  it('finds a missing gradient', () => {
    const forgets = customFunction<[Tensor]>({ forward: (_context, x) => multiply(x, x), backward: () => [null] });
    expect(() => checkGradients(forgets, [leaf()])).toThrow(/the tape gives 0/);
  });

  it('checks every floating output', () => {
    expect(() => checkGradients((x) => [multiply(x, 2), sum(square(0.1)(x))], [leaf()])).toThrow(/element 0/);
  });

  it('refuses inputs that it cannot check', () => {
    expect(() => checkGradients((x) => x, [tensor([1])])).toThrow(/requires a gradient/);
    expect(() => checkGradients((x) => multiply(x, x), [tensor([1], { requiresGrad: true })])).toThrow(/float64/);
  });
});
