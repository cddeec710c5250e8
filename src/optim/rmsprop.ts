/** RMSprop: steps divided by the root of the gradient's running mean square. */
import type { Tensor } from '../tensor/tensor.js';
import { requireBoolean, requireFraction, requireNonNegative } from './checks.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerOptions, ParameterGroup, ParametersInput } from './parameterGroup.js';
import type { ParameterState } from './parameterState.js';

export interface RMSpropOptions extends OptimizerOptions {
  /** Default: 0.01. */
  lr: number;
  /** Decay of the mean square, in [0, 1]. Default: 0.99. */
  alpha: number;
  /** Added to the root of the mean square. Default: 1e-8. */
  eps: number;
  /** L2 penalty: added to the gradient as `weightDecay * parameter`. Default: 0. */
  weightDecay: number;
  /** Share of the previous step that is kept. Default: 0. */
  momentum: number;
  /** Divide by the deviation instead of the mean square: the mean gradient is subtracted. Default: false. */
  centered: boolean;
}

const DEFAULTS: RMSpropOptions = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false };

/**
 * PyTorch's RMSprop. With slope g = gradient + weightDecay p and mean square v = alpha v + (1 - alpha) g^2:
 * p = p - lr g / (sqrt(v) + eps), through a momentum buffer if `momentum` is not 0.
 * Sources: Hinton, "Neural networks for machine learning", lecture 6, 2012; `centered`: Graves, "Generating
 * sequences with recurrent neural networks", 2013.
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(parameters: ParametersInput<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected bufferNames() {
    return { always: ['squareAvg'], sometimes: ['momentumBuffer', 'gradAvg'] };
  }

  protected checkGroup({ alpha, eps, momentum, centered }: RMSpropOptions, where: string): void {
    requireFraction(where, 'alpha', alpha);
    requireNonNegative(where, 'eps', eps);
    requireNonNegative(where, 'momentum', momentum);
    requireBoolean(where, 'centered', centered);
  }

  protected update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParameterState,
    group: ParameterGroup<RMSpropOptions>,
  ): void {
    const { lr, alpha, eps, weightDecay, momentum, centered } = group;
    // An average that the options do not use only passes through the kernel: the gradient stands in for it.
    const buffer = momentum === 0 ? gradient : state.bufferOrZeros('momentumBuffer');
    const average = centered ? state.bufferOrZeros('gradAvg') : gradient;
    this.updates.add(
      'rmspropUpdate',
      [parameter, gradient, state.bufferOrZeros('squareAvg'), buffer, average],
      { learningRate: lr, alpha, epsilon: eps, weightDecay, momentum, centered },
      4,
      ([values, square, newBuffer, newAverage]) => {
        parameter.replaceStorage(values);
        state.set('squareAvg', square);
        if (momentum !== 0) state.set('momentumBuffer', newBuffer);
        if (centered) state.set('gradAvg', newAverage);
      },
    );
  }
}
