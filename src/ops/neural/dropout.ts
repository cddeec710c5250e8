/**
 * Dropout: zeroes a random share of the values while training and scales the others up; the identity otherwise.
 * A recorded graph holds the node; what executes the graph calls `training` in training mode.
 */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation } from '../../autograd/operation.js';
import { ValidationError } from '../../errors.js';
import { allocateArray, type TypedArray } from '../../kernels/dtype.js';
import { checkOptions } from '../../options.js';
import { defaultGenerator, type Generator } from '../../tensor/random.js';
import { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { multiply } from '../elementwise/multiply.js';

export interface DropoutAttributes {
  /** Share of the values that become zero, 0 to 1. */
  readonly probability: number;
}

function drop(x: Tensor, probability: number, generator: Generator): Tensor {
  const { size, dtype, backend } = x;
  const make = (): TypedArray => {
    const mask = generator.fillBernoulli(allocateArray(dtype, size) as Float32Array, 1 - probability);
    if (probability < 1) {
      const scale = 1 / (1 - probability);
      for (let index = 0; index < mask.length; index++) mask[index] *= scale;
    }
    return mask;
  };
  const storage = backend.generate?.(make, size, dtype) ?? backend.upload(make(), dtype);
  return multiply(x, new Tensor(storage, x.shape, dtype, backend));
}

export const DROPOUT = defineOperation<DropoutAttributes>({
  type: 'Dropout',
  infer([x], { probability }) {
    requireFloat('dropout', x);
    if (!(probability >= 0 && probability <= 1)) {
      throw new ValidationError(
        'BAD_PROBABILITY',
        `dropout: the probability is ${probability}; it must be from 0 to 1.`,
        { probability },
      );
    }
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  bypass: () => true,
  training: ([x], { probability }) => [probability === 0 ? x : drop(x, probability, defaultGenerator())],
  quantization: { trait: 'quantizationAgnostic' },
});

export interface DropoutOptions {
  /** Whether to drop at all. A recorded graph follows its own training mode instead. Default: true, as PyTorch's. */
  training?: boolean;
  /** Where the mask comes from. Default: the generator that `manualSeed` seeds. Not kept in a recorded graph. */
  generator?: Generator;
}

/** Zeroes each value of x with the given probability and multiplies the others by 1 / (1 - probability). */
export function dropout(x: Tensor, probability = 0.5, options: DropoutOptions = {}): Tensor {
  checkOptions('dropout', options, ['training', 'generator']);
  DROPOUT.infer([x], { probability });
  if (x.isSymbolic) return applyOne(DROPOUT, [x], { probability });
  if (options.training === false || probability === 0) return x;
  return drop(x, probability, options.generator ?? defaultGenerator());
}
