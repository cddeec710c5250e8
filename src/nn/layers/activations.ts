/** Activation functions as layers, for use in `Sequential` and with the names of layers in graphs. */
import { ValidationError } from '../../errors.js';
import { clamp, relu6 } from '../../ops/elementwise/clamp.js';
import { elu } from '../../ops/elementwise/elu.js';
import { type GeluApproximation, gelu } from '../../ops/elementwise/gelu.js';
import { hsigmoid } from '../../ops/elementwise/hsigmoid.js';
import { hswish } from '../../ops/elementwise/hswish.js';
import { mish } from '../../ops/elementwise/mish.js';
import { leakyRelu, prelu } from '../../ops/elementwise/prelu.js';
import { relu } from '../../ops/elementwise/relu.js';
import { sigmoid } from '../../ops/elementwise/sigmoid.js';
import { softplus } from '../../ops/elementwise/softplus.js';
import { silu } from '../../ops/elementwise/swish.js';
import { tanh } from '../../ops/elementwise/tanh.js';
import { logSoftmax } from '../../ops/neural/logSoftmax.js';
import { softmax } from '../../ops/neural/softmax.js';
import { checkOptions } from '../../options.js';
import { full } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { checkCount, checkNumber } from './checks.js';

/** An activation without options. Code that comes from PyTorch may still give some, such as `inplace`. */
abstract class PlainActivation extends Module {
  /** @throws ValidationError `UNKNOWN_OPTION` for any option. */
  constructor(options: Readonly<Record<string, never>> = {}) {
    super();
    checkOptions(new.target.name, options, []);
  }

  abstract override forward(x: Tensor): Tensor;
}

/** max(x, 0). */
export class ReLU extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** min(max(x, 0), 6). */
export class ReLU6 extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

/** 1 / (1 + e^-x). */
export class Sigmoid extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** The hyperbolic tangent. */
export class Tanh extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** x sigmoid(x), also called Swish. */
export class SiLU extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** x tanh(softplus(x)). */
export class Mish extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/** log(1 + e^x). */
export class Softplus extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return softplus(x);
  }
}

/** x min(max(x + 3, 0), 6) / 6. */
export class Hardswish extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return hswish(x);
  }
}

/** min(max(x + 3, 0), 6) / 6. */
export class Hardsigmoid extends PlainActivation {
  override forward(x: Tensor): Tensor {
    return hsigmoid(x);
  }
}

/** x limited to a range. */
export class Hardtanh extends Module {
  readonly min: number;
  readonly max: number;

  /** @param min Default: -1. @param max Default: 1. */
  constructor(min = -1, max = 1) {
    super();
    this.min = checkNumber('Hardtanh', 'min', min);
    this.max = checkNumber('Hardtanh', 'max', max, min);
  }

  override forward(x: Tensor): Tensor {
    return clamp(x, this.min, this.max);
  }
}

/** x above zero, negativeSlope x below. */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  /** @param negativeSlope Default: 0.01. */
  constructor(negativeSlope = 0.01) {
    super();
    this.negativeSlope = checkNumber('LeakyReLU', 'negativeSlope', negativeSlope);
  }

  override forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope);
  }
}

/** x above zero, a trained slope times x below. */
export class PReLU extends Module {
  /** Slopes, [numParameters]. */
  readonly weight: Parameter;

  /**
   * @param numParameters One slope for all channels, or the number of channels (axis 1). Default: 1.
   * @param initial Default: 0.25.
   */
  constructor(numParameters = 1, initial = 0.25) {
    super();
    checkCount('PReLU', 'numParameters', numParameters);
    this.weight = new Parameter(full([numParameters], checkNumber('PReLU', 'initial', initial)));
  }

  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }
}

/** x above zero, alpha (e^x - 1) below. */
export class ELU extends Module {
  readonly alpha: number;

  /** @param alpha Default: 1. */
  constructor(alpha = 1) {
    super();
    this.alpha = checkNumber('ELU', 'alpha', alpha);
  }

  override forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}

/** x times the normal distribution function at x. */
export class GELU extends Module {
  readonly approximation: GeluApproximation;

  /** @param approximation Default: `erf`, the exact one. */
  constructor(approximation: GeluApproximation = 'erf') {
    super();
    if (approximation !== 'erf' && approximation !== 'tanh') {
      throw new ValidationError(
        'GELU_MODE',
        `GELU: there is no approximation '${String(approximation)}'. Use 'erf' or 'tanh'.`,
      );
    }
    this.approximation = approximation;
  }

  override forward(x: Tensor): Tensor {
    return gelu(x, this.approximation);
  }
}

/** e^x / sum(e^x) along an axis. */
export class Softmax extends Module {
  readonly axis: number;

  /** @param axis May count from the end. Default: -1, the last. */
  constructor(axis = -1) {
    super();
    this.axis = checkCount('Softmax', 'axis', axis, Number.MIN_SAFE_INTEGER);
  }

  override forward(x: Tensor): Tensor {
    return softmax(x, this.axis);
  }
}

/** x - log(sum(e^x)) along an axis. */
export class LogSoftmax extends Module {
  readonly axis: number;

  /** @param axis May count from the end. Default: -1, the last. */
  constructor(axis = -1) {
    super();
    this.axis = checkCount('LogSoftmax', 'axis', axis, Number.MIN_SAFE_INTEGER);
  }

  override forward(x: Tensor): Tensor {
    return logSoftmax(x, this.axis);
  }
}
