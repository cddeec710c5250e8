/** Adam and AdamW: steps scaled by running moments of the gradient. */
import { ValidationError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { requireDecay, requireNonNegative } from './checks.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerOptions, ParameterGroup, ParametersInput } from './parameterGroup.js';
import type { ParameterState } from './parameterState.js';

export interface AdamOptions extends OptimizerOptions {
  /** Default: 0.001. */
  lr: number;
  /** Decay of the first and of the second moment, each in [0, 1). Default: [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the second moment. Default: 1e-8. */
  eps: number;
  /** Adam: an L2 penalty added to the gradient. Default: 0. AdamW: parameters shrink by `lr * weightDecay`. Default: 0.01. */
  weightDecay: number;
}

const DEFAULTS: AdamOptions = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 };

/** What Adam and AdamW share. */
abstract class MomentOptimizer extends Optimizer<AdamOptions> {
  /** Whether weight decay acts on the parameters instead of on the gradient. */
  protected abstract get decoupled(): boolean;

  protected bufferNames() {
    return { always: ['expAvg', 'expAvgSq'], sometimes: [] };
  }

  protected checkGroup({ betas, eps }: AdamOptions, where: string): void {
    if (!Array.isArray(betas) || betas.length !== 2) {
      throw new ValidationError(
        'INVALID_OPTION',
        `${where}: betas is ${JSON.stringify(betas)}; it must be two numbers.`,
        { betas },
      );
    }
    for (const [index, beta] of betas.entries()) requireDecay(where, `betas[${index}]`, beta);
    requireNonNegative(where, 'eps', eps);
  }

  protected update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParameterState,
    group: ParameterGroup<AdamOptions>,
  ): void {
    const {
      lr,
      betas: [beta1, beta2],
      eps,
      weightDecay,
    } = group;
    this.updates.add(
      'adamUpdate',
      [parameter, gradient, state.bufferOrZeros('expAvg'), state.bufferOrZeros('expAvgSq')],
      { learningRate: lr, beta1, beta2, epsilon: eps, weightDecay, decoupled: this.decoupled, step: state.step },
      3,
      ([values, first, second]) => {
        parameter.replaceStorage(values);
        state.set('expAvg', first);
        state.set('expAvgSq', second);
      },
    );
  }
}

/**
 * PyTorch's Adam. With moments m and v of the gradient g (+ weightDecay p) and step t:
 * p = p - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps).
 * Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
 */
export class Adam extends MomentOptimizer {
  constructor(parameters: ParametersInput<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected get decoupled(): boolean {
    return false;
  }
}

/**
 * PyTorch's AdamW: Adam whose weight decay shrinks the parameters by `lr * weightDecay` (default 0.01) before
 * the step, apart from the moments. Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
 */
export class AdamW extends MomentOptimizer {
  constructor(parameters: ParametersInput<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(parameters, options, { ...DEFAULTS, weightDecay: 1e-2 });
  }

  protected get decoupled(): boolean {
    return true;
  }
}
