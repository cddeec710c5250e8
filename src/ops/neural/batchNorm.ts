/**
 * Batch normalisation. BatchNormInference (OpenVINO's) normalises with the given statistics;
 * BatchNormTraining with those of the batch. A recorded graph holds the first; in training mode it runs
 * the second and updates the running statistics, so one graph serves both.
 */
import { apply, applyOne } from '../../autograd/dispatch.js';
import { noGrad } from '../../autograd/gradMode.js';
import {
  defineOperation,
  type GradientRule,
  type OperationDefinition,
  type TrainingForm,
} from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { ShapeError } from '../../errors.js';
import type { TensorType } from '../../kernels/contract.js';
import { checkOptions } from '../../options.js';
import { DYNAMIC, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { add } from '../elementwise/add.js';
import { divide } from '../elementwise/divide.js';
import { multiply } from '../elementwise/multiply.js';
import { sqrt } from '../elementwise/sqrt.js';
import { subtract } from '../elementwise/subtract.js';
import { reshape } from '../movement/reshape.js';

export interface BatchNormAttributes {
  readonly epsilon: number;
  /** Share of the batch's statistics in the new running ones. */
  readonly momentum: number;
}

function checkChannels(x: TensorType, ...parameters: readonly TensorType[]): void {
  requireFloat('batchNorm', x, ...parameters);
  const channels = x.shape[1];
  for (const { shape } of parameters) {
    if (x.shape.length < 2 || shape.length !== 1 || (channels !== DYNAMIC && shape[0] !== channels)) {
      throw new ShapeError(
        'CHANNEL_MISMATCH',
        `batchNorm: data of shape ${formatShape(x.shape)} has ${channels ?? 'no'} channels, but a parameter has shape ${formatShape(shape)}.`,
        {
          data: x.shape,
          parameter: shape,
        },
      );
    }
  }
}

/** Puts a vector of channels under axis 1 of a tensor with `rank` axes. */
const alongChannels = (vector: Tensor, rank: number): Tensor =>
  reshape(vector, [1, vector.shape[0], ...new Array<number>(rank - 2).fill(1)]);

export const BATCH_NORM_INFERENCE = defineOperation<BatchNormAttributes>({
  type: 'BatchNormInference',
  infer([x, ...parameters]) {
    checkChannels(x, ...parameters);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  decompose([x, gamma, beta, mean, variance], { epsilon }) {
    const factor = divide(gamma, sqrt(add(variance, epsilon)));
    const offset = subtract(beta, multiply(mean, factor));
    return [add(multiply(x, alongChannels(factor, x.rank)), alongChannels(offset, x.rank))];
  },
  quantization: { trait: 'inputsQuantizable' },
  openvino: {
    opset: () => 'opset5',
    data: ({ epsilon }) => ({ epsilon }),
    parse: (data) => ({ epsilon: data.number('epsilon'), momentum: 0.1 }),
  },
});

const BATCH_NORM_TRAINING: OperationDefinition<{ readonly epsilon: number }> = {
  type: 'BatchNormTraining',
  infer([x, gamma, beta]) {
    checkChannels(x, gamma, beta);
    return [x, gamma, gamma].map(({ shape, dtype }) => ({ shape, dtype }));
  },
  lower: (_inputs, { epsilon }) => trainingCall('batchNorm', { epsilon }),
  saves: { inputs: [0, 1], outputs: [1, 2] },
};

const gradientOfBatchNormTraining: GradientRule<{ readonly epsilon: number }> = (context, [g]) =>
  g
    ? apply(
        BATCH_NORM_GRADIENT,
        [g, context.input(0), context.input(1), context.output(1), context.output(2)],
        context.attributes,
      )
    : [null, null, null];

const BATCH_NORM_GRADIENT: OperationDefinition<{ readonly epsilon: number }> = {
  type: 'BatchNormTrainingGradient',
  infer: ([, x, gamma]) => [x, gamma, gamma].map(({ shape, dtype }) => ({ shape, dtype })),
  lower: (_inputs, { epsilon }) => trainingCall('batchNormGradient', { epsilon }),
};

function batchNormTraining(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  runningMean: Tensor | null,
  runningVariance: Tensor | null,
  { epsilon, momentum }: BatchNormAttributes,
): Tensor {
  const count = x.size / x.shape[1];
  if (count <= 1) {
    throw new ShapeError(
      'TOO_FEW_VALUES',
      `batchNorm: training needs more than one value per channel, but the data has shape ${formatShape(x.shape)}. Use a larger batch, or eval().`,
    );
  }
  const [y, mean, variance] = apply(BATCH_NORM_TRAINING, [x, gamma, beta], { epsilon }, gradientOfBatchNormTraining);
  noGrad(() => {
    // The running variance is unbiased, as PyTorch's.
    if (runningMean) runningMean.assign_(add(multiply(runningMean, 1 - momentum), multiply(mean.detach(), momentum)));
    if (runningVariance)
      runningVariance.assign_(
        add(multiply(runningVariance, 1 - momentum), multiply(variance.detach(), (momentum * count) / (count - 1))),
      );
  });
  return y;
}

/** What BatchNormInference does in training mode. */
export const batchNormInTraining: TrainingForm<BatchNormAttributes> = (
  [x, gamma, beta, mean, variance],
  attributes,
) => [batchNormTraining(x, gamma, beta, mean, variance, attributes)];

export interface BatchNormOptions {
  /** Normalise with the batch's statistics and update the running ones. Default: false. */
  training?: boolean;
  /** Default: 0.1. */
  momentum?: number;
  /** Added to the variance. Default: 1e-5. */
  epsilon?: number;
}

/**
 * Batch normalisation of x [N, C, ...] over all axes but 1.
 * @param runningMean [C], changed in place while training.
 * @param runningVariance [C], changed in place while training.
 */
export function batchNorm(
  x: Tensor,
  runningMean: Tensor,
  runningVariance: Tensor,
  weight: Tensor,
  bias: Tensor,
  options: BatchNormOptions = {},
): Tensor {
  checkOptions('batchNorm', options, ['training', 'momentum', 'epsilon']);
  const attributes = { epsilon: options.epsilon ?? 1e-5, momentum: options.momentum ?? 0.1 };
  if (options.training && !x.isSymbolic)
    return batchNormTraining(x, weight, bias, runningMean, runningVariance, attributes);
  return applyOne(BATCH_NORM_INFERENCE, [x, weight, bias, runningMean, runningVariance], attributes);
}
