/**
 * Dropout: zeroes a random share of the values while training and scales the others up; the identity otherwise.
 * A recorded graph holds the node; what executes the graph calls `training` in training mode.
 */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type TrainingForm } from '../../autograd/operation.js';
import { ShapeError, ValidationError } from '../../errors.js';
import { allocateArray, type TypedArray } from '../../kernels/dtype.js';
import { checkOptions } from '../../options.js';
import { defaultGenerator, type Generator } from '../../tensor/random.js';
import { sizeOf } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { multiply } from '../elementwise/multiply.js';

export interface DropoutAttributes {
  /** Share of the values that become zero, 0 to 1. */
  readonly probability: number;
  /** Whether whole samples (of axis 0) are dropped rather than single values. */
  readonly perSample?: boolean;
}

function drop(x: Tensor, { probability, perSample = false }: DropoutAttributes, generator: Generator): Tensor {
  const { dtype, backend } = x;
  const shape = perSample ? x.shape.map((extent, axis) => (axis === 0 ? extent : 1)) : x.shape;
  const size = sizeOf(shape);
  const make = (): TypedArray => {
    const mask = generator.fillBernoulli(allocateArray(dtype, size) as Float32Array, 1 - probability);
    if (probability < 1) {
      const scale = 1 / (1 - probability);
      for (let index = 0; index < mask.length; index++) mask[index] *= scale;
    }
    return mask;
  };
  const storage = backend.generate?.(make, size, dtype) ?? backend.upload(make(), dtype);
  return multiply(x, new Tensor(storage, shape, dtype, backend));
}

export const DROPOUT = defineOperation<DropoutAttributes>({
  type: 'Dropout',
  infer([x], { probability, perSample = false }) {
    requireFloat('dropout', x);
    if (perSample && x.shape.length === 0) {
      throw new ShapeError('NO_SAMPLES', 'dropout: a scalar has no samples to drop.');
    }
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
  quantization: { trait: 'quantizationAgnostic' },
});

/** What Dropout does in training mode. */
export const dropoutInTraining: TrainingForm<DropoutAttributes> = ([x], attributes) => [
  attributes.probability === 0 ? x : drop(x, attributes, defaultGenerator()),
];

export interface DropoutOptions {
  /** Whether to drop at all. A recorded graph follows its own training mode instead. Default: true, as PyTorch's. */
  training?: boolean;
  /** Where the mask comes from. Default: the generator that `manualSeed` seeds. Not kept in a recorded graph. */
  generator?: Generator;
  /** Drop whole samples (of axis 0) rather than single values: stochastic depth. Default: false. */
  perSample?: boolean;
}

/** Zeroes each value (or sample) of x with the given probability and multiplies the others by 1 / (1 - probability). */
export function dropout(x: Tensor, probability = 0.5, options: DropoutOptions = {}): Tensor {
  checkOptions('dropout', options, ['training', 'generator', 'perSample']);
  const attributes = options.perSample ? { probability, perSample: true } : { probability };
  DROPOUT.infer([x], attributes);
  if (x.isSymbolic) return applyOne(DROPOUT, [x], attributes);
  if (options.training === false || probability === 0) return x;
  return drop(x, attributes, options.generator ?? defaultGenerator());
}
