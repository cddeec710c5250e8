/** Elu: x above zero, alpha (e^x - 1) below (Clevert et al., 2015). */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { exp } from './exp.js';
import { greater } from './greater.js';
import { minimum } from './minimum.js';
import { multiply } from './multiply.js';
import { where } from './select.js';

export interface EluAttributes {
  readonly alpha: number;
}

export const ELU = defineOperation<EluAttributes>({
  type: 'Elu',
  infer([x]) {
    requireFloat('elu', x);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  lower: (_inputs, { alpha }) => kernelCall('elu', { alpha }),
  saves: { inputs: [0] },
  openvino: {
    opset: () => 'opset1',
    data: ({ alpha }) => ({ alpha }),
    parse: (data) => ({ alpha: data.number('alpha') }),
  },
});

export const gradientOfElu: GradientRule<EluAttributes> = (context, [g]) => {
  if (!g) return [null];
  const x = context.input(0);
  // The exponential of a large x, which is not used, must not overflow.
  const below = multiply(g, multiply(exp(minimum(x, 0)), context.attributes.alpha));
  return [where(greater(x, 0), g, below)];
};

/** @param alpha Minus the limit for very negative x. Default: 1. */
export const elu = (x: Tensor, alpha = 1): Tensor => applyOne(ELU, [x], { alpha }, gradientOfElu);
