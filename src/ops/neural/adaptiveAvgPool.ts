/** AdaptiveAvgPool: means over windows chosen so that the output has a given size. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { ShapeError } from '../../errors.js';
import { DYNAMIC, formatShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat, requireRank } from '../checks.js';
import { mean } from '../reduction/mean.js';
import { type Pair, pairOf, requireImages } from './spatial.js';

export interface AdaptiveAvgPoolAttributes {
  /** [y, x] of the output. */
  readonly outputSize: readonly number[];
}

export const ADAPTIVE_AVG_POOL = defineOperation<AdaptiveAvgPoolAttributes>({
  type: 'AdaptiveAvgPool',
  infer([x], { outputSize }) {
    requireFloat('adaptiveAvgPool', x);
    requireRank('adaptiveAvgPool', x, 4, 'the data');
    if (x.shape.slice(2).some((extent) => extent === 0)) {
      throw new ShapeError(
        'EMPTY_IMAGE',
        `adaptiveAvgPool: images of shape ${formatShape(x.shape)} have no pixels to average.`,
        { shape: x.shape },
      );
    }
    return [{ shape: [...x.shape.slice(0, 2), ...outputSize], dtype: x.dtype }];
  },
  lower: () => kernelCall('adaptiveAvgPool2d', {}),
  saves: {},
  quantization: { trait: 'inputsQuantizable' },
  openvino: {
    opset: () => 'opset8',
    constants: ({ outputSize }) => [{ elementType: 'i64', shape: [outputSize.length], values: outputSize }],
    tensorInputs: 1,
    parse: (_data, [outputSize]) => ({ outputSize: [...outputSize] }),
  },
});

export const gradientOfAdaptiveAvgPool: GradientRule<AdaptiveAvgPoolAttributes> = ({ inputTypes }, [g]) => [
  g && applyOne(ADAPTIVE_AVG_POOL_GRADIENT, [g], { shape: inputTypes[0].shape }),
];

const ADAPTIVE_AVG_POOL_GRADIENT: OperationDefinition<{ readonly shape: Shape }> = {
  type: 'AdaptiveAvgPoolGradient',
  infer: ([g], { shape }) => [{ shape, dtype: g.dtype }],
  lower: () => trainingCall('adaptiveAvgPool2dGradient', {}),
};

/**
 * Averages x [N, C, H, W] to images of `outputSize`: output i is the mean of the pixels from floor(i H / H') to
 * ceil((i + 1) H / H') (PyTorch's `adaptive_avg_pool2d`). The global mean, `outputSize` 1, is recorded as ReduceMean.
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: Pair): Tensor {
  requireImages('adaptiveAvgPool2d', x);
  const size = pairOf(outputSize, 1, 'adaptiveAvgPool2d', 'outputSize');
  if (size.every((extent, axis) => extent === x.shape[axis + 2] && extent !== DYNAMIC)) return x;
  return size.every((extent) => extent === 1)
    ? mean(x, [2, 3], true)
    : applyOne(ADAPTIVE_AVG_POOL, [x], { outputSize: size }, gradientOfAdaptiveAvgPool);
}
