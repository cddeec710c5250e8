/** MVN: mean and variance normalisation over some axes; layer normalisation is this with a trained scale and offset. */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall, type OperationDefinition } from '../../autograd/operation.js';
import { trainingCall } from '../../autograd/trainingCall.js';
import { ShapeError, UnsupportedError } from '../../errors.js';
import { DYNAMIC, formatShape, normalizeAxes, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { add } from '../elementwise/add.js';
import { multiply } from '../elementwise/multiply.js';

export interface MvnAttributes {
  /** Sorted, non-negative axes. */
  readonly axes: readonly number[];
  /** Added to the variance, under the root. */
  readonly epsilon: number;
}

export const MVN = defineOperation<MvnAttributes>({
  type: 'MVN',
  infer([x], { axes }) {
    requireFloat('mvn', x);
    normalizeAxes(axes, x.shape.length, 'mvn');
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  lower: (_inputs, { axes, epsilon }) => kernelCall('mvn', { axes, epsilon }),
  saves: { inputs: [0], outputs: [0] },
  quantization: { trait: 'inputsQuantizable' },
  openvino: {
    opset: () => 'opset6',
    data: ({ epsilon }) => ({ eps: epsilon, normalize_variance: true, eps_mode: 'INSIDE_SQRT' }),
    constants: ({ axes }) => [{ elementType: 'i64', shape: [axes.length], values: axes }],
    tensorInputs: 1,
    parse(data, [axes], [x]) {
      if (!data.boolean('normalize_variance', true))
        throw new UnsupportedError('MVN_VARIANCE', 'MVN without normalize_variance is not supported.');
      const mode = data.string('eps_mode', 'INSIDE_SQRT').toUpperCase();
      if (mode !== 'INSIDE_SQRT')
        throw new UnsupportedError('MVN_EPS_MODE', `MVN with eps_mode ${mode} is not supported, only INSIDE_SQRT.`);
      return { axes: normalizeAxes(axes, x.shape.length, 'mvn'), epsilon: data.number('eps') };
    },
  },
});

export const gradientOfMvn: GradientRule<MvnAttributes> = (context, [g]) => [
  g && applyOne(MVN_GRADIENT, [g, context.output(0), context.input(0)], context.attributes),
];

const MVN_GRADIENT: OperationDefinition<MvnAttributes> = {
  type: 'MVNGradient',
  infer: ([, , x]) => [{ shape: x.shape, dtype: x.dtype }],
  lower: (_inputs, { axes, epsilon }) => trainingCall('mvnGradient', { axes, epsilon }),
};

/** (x - mean) / sqrt(variance + epsilon) over `axes`, with the biased variance. */
export const mvn = (x: Tensor, axes: number | readonly number[], epsilon = 1e-5): Tensor =>
  applyOne(MVN, [x], { axes: normalizeAxes(axes, x.rank, 'mvn'), epsilon }, gradientOfMvn);

/**
 * Layer normalisation over the last axes, whose extents are `normalizedShape`. PyTorch's `layer_norm`.
 * @param weight Scale of shape `normalizedShape`. Default: none.
 * @param bias Offset of shape `normalizedShape`. Default: none.
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | readonly number[],
  weight?: Tensor | null,
  bias?: Tensor | null,
  epsilon = 1e-5,
): Tensor {
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  const lead = x.rank - shape.length;
  const fits =
    shape.length > 0 &&
    lead >= 0 &&
    shape.every((extent, axis) => x.shape[lead + axis] === extent || x.shape[lead + axis] === DYNAMIC);
  if (!fits) {
    throw new ShapeError(
      'NORMALIZED_SHAPE',
      `layerNorm: data of shape ${formatShape(x.shape)} does not end in the normalized shape ${formatShape(shape)}.`,
      {
        data: x.shape,
        normalizedShape: shape,
      },
    );
  }
  for (const [name, parameter] of [
    ['weight', weight],
    ['bias', bias],
  ] as const) {
    if (parameter && !sameShape(parameter.shape, shape)) {
      throw new ShapeError(
        'NORMALIZED_SHAPE',
        `layerNorm: the ${name} has shape ${formatShape(parameter.shape)}, but the normalized shape is ${formatShape(shape)}.`,
        {
          parameter: parameter.shape,
          normalizedShape: shape,
        },
      );
    }
  }
  const normalized = mvn(
    x,
    shape.map((_, axis) => lead + axis),
    epsilon,
  );
  const scaled = weight ? multiply(normalized, weight) : normalized;
  return bias ? add(scaled, bias) : scaled;
}
