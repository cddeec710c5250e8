/** Stochastic gradient descent with momentum. */
import { ValidationError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { requireBoolean, requireFinite, requireNonNegative } from './checks.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerOptions, ParameterGroup, ParametersInput } from './parameterGroup.js';
import type { ParameterState } from './parameterState.js';

export interface SGDOptions extends OptimizerOptions {
  /** Default: 0.001. */
  lr: number;
  /** Share of the previous step that is kept. Default: 0. */
  momentum: number;
  /** Share of the gradient that does not enter the momentum buffer. Default: 0. */
  dampening: number;
  /** L2 penalty: added to the gradient as `weightDecay * parameter`. Default: 0. */
  weightDecay: number;
  /** Look-ahead momentum; needs momentum and no dampening. Default: false. */
  nesterov: boolean;
}

const DEFAULTS: SGDOptions = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

/**
 * PyTorch's SGD. With slope g = gradient + weightDecay p: b = momentum b + (1 - dampening) g (b = g at the first
 * step), p = p - lr b; with `nesterov` p = p - lr (g + momentum b).
 * Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013, in the form
 * of torch.optim.SGD.
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(parameters: ParametersInput<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(parameters, options, DEFAULTS);
  }

  protected bufferNames() {
    return { always: [], sometimes: ['momentumBuffer'] };
  }

  protected checkGroup({ momentum, dampening, nesterov }: SGDOptions, where: string): void {
    requireNonNegative(where, 'momentum', momentum);
    requireFinite(where, 'dampening', dampening);
    requireBoolean(where, 'nesterov', nesterov);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new ValidationError(
        'INVALID_OPTION',
        `${where}: nesterov needs momentum above 0 and dampening 0; they are ${momentum} and ${dampening}.`,
        { momentum, dampening },
      );
    }
  }

  protected update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParameterState,
    group: ParameterGroup<SGDOptions>,
  ): void {
    const { lr, momentum, dampening, weightDecay, nesterov } = group;
    const buffer = state.buffers.get('momentumBuffer');
    const attributes = { learningRate: lr, momentum, dampening, weightDecay, nesterov, first: buffer === undefined };
    // Without a buffer its operand is not read; the gradient has the right type.
    const inputs = [parameter, gradient, buffer ?? gradient];
    this.updates.add('sgdUpdate', inputs, attributes, 2, ([values, newBuffer]) => {
      parameter.replaceStorage(values);
      if (momentum !== 0) state.set('momentumBuffer', newBuffer);
    });
  }
}
