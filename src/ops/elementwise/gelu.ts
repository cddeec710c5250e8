/** Gelu: x times the normal distribution function at x, or its tanh approximation (Hendrycks and Gimpel, 2016). */
import { applyOne } from '../../autograd/dispatch.js';
import { defineOperation, type GradientRule, kernelCall } from '../../autograd/operation.js';
import { FormatError, ValidationError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { requireFloat } from '../checks.js';
import { add } from './add.js';
import { erf } from './erf.js';
import { exp } from './exp.js';
import { multiply } from './multiply.js';
import { subtract } from './subtract.js';
import { tanh } from './tanh.js';

/** `erf` is exact; `tanh` is 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
export type GeluApproximation = 'erf' | 'tanh';

export interface GeluAttributes {
  readonly approximation: GeluApproximation;
}

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** Phi(x) + x phi(x), with the distribution function and the density of the normal distribution. */
function exactDerivative(x: Tensor): Tensor {
  const distribution = multiply(add(erf(multiply(x, Math.SQRT1_2)), 1), 0.5);
  const density = multiply(exp(multiply(multiply(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(distribution, multiply(x, density));
}

/** 0.5 (1 + t) + 0.5 x (1 - t^2) u', where t = tanh(u) and u = sqrt(2 / pi) (x + 0.044715 x^3). */
function tanhDerivative(x: Tensor): Tensor {
  const square = multiply(x, x);
  const t = tanh(multiply(multiply(x, add(multiply(square, CUBIC), 1)), SQRT_2_OVER_PI));
  const inner = multiply(add(multiply(square, 3 * CUBIC), 1), SQRT_2_OVER_PI);
  return multiply(add(add(t, 1), multiply(multiply(x, subtract(1, multiply(t, t))), inner)), 0.5);
}

export const GELU = defineOperation<GeluAttributes>({
  type: 'Gelu',
  infer([x]) {
    requireFloat('gelu', x);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  lower: (_inputs, { approximation }) =>
    kernelCall('unary', { function: approximation === 'tanh' ? 'geluTanh' : 'gelu' }),
  saves: { inputs: [0] },
  openvino: {
    opset: () => 'opset7',
    data: ({ approximation }) => ({ approximation_mode: approximation.toUpperCase() }),
    parse(data) {
      const mode = data.string('approximation_mode', 'ERF').toLowerCase();
      if (mode !== 'erf' && mode !== 'tanh') {
        throw new FormatError('GELU_MODE', `Gelu: approximation_mode '${mode}' is not known; expected ERF or TANH.`, {
          mode,
        });
      }
      return { approximation: mode };
    },
  },
});

export const gradientOfGelu: GradientRule<GeluAttributes> = (context, [g]) => {
  if (!g) return [null];
  const derivative = context.attributes.approximation === 'tanh' ? tanhDerivative : exactDerivative;
  return [multiply(g, derivative(context.input(0)))];
};

/**
 * The Gaussian error linear unit.
 * @param approximation Default: `erf`, the exact one.
 */
export function gelu(x: Tensor, approximation: GeluApproximation = 'erf'): Tensor {
  if (approximation !== 'erf' && approximation !== 'tanh') {
    throw new ValidationError(
      'GELU_MODE',
      `gelu: there is no approximation '${String(approximation)}'. Use 'erf' or 'tanh'.`,
    );
  }
  return applyOne(GELU, [x], { approximation }, gradientOfGelu);
}
