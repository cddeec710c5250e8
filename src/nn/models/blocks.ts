/** Parts that several image models are made of, with the names of torchvision's `ops.misc`. */
import { multiply } from '../../ops/elementwise/multiply.js';
import type { Tensor } from '../../tensor/tensor.js';
import { kaimingNormal_, normal_, zeros_ } from '../init.js';
import { Hardsigmoid, ReLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { BatchNorm2d, type BatchNormOptions } from '../layers/batchNorm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';

export interface ConvNormOptions {
  stride?: number;
  groups?: number;
  /** Makes the activation; null for none. Default: ReLU. */
  activation?: (() => Module) | null;
  norm?: BatchNormOptions;
}

/** Convolution without bias, padded to keep the size at stride 1, batch normalisation and activation: children 0, 1, 2. */
export function convNormActivation(
  inChannels: number,
  outChannels: number,
  kernelSize: number,
  options: ConvNormOptions = {},
): Sequential {
  const { stride = 1, groups = 1, activation = () => new ReLU(), norm } = options;
  const padding = Math.floor((kernelSize - 1) / 2);
  return new Sequential(
    new Conv2d(inChannels, outChannels, kernelSize, { stride, padding, groups, bias: false }),
    new BatchNorm2d(outChannels, norm),
    ...(activation ? [activation()] : []),
  );
}

type Activation = { forward(x: Tensor): Tensor } & Module;

/** Scales channels by gates between 0 and 1 that are computed from the means of all channels. */
export class SqueezeExcitation extends Module {
  readonly avgpool = new AdaptiveAvgPool2d(1);
  readonly fc1: Conv2d;
  readonly fc2: Conv2d;
  readonly activation: Activation;
  readonly scaleActivation: Activation;

  constructor(
    channels: number,
    squeezeChannels: number,
    activation: Activation = new ReLU(),
    scaleActivation: Activation = new Hardsigmoid(),
  ) {
    super();
    this.fc1 = new Conv2d(channels, squeezeChannels, 1);
    this.fc2 = new Conv2d(squeezeChannels, channels, 1);
    this.activation = activation;
    this.scaleActivation = scaleActivation;
  }

  override forward(x: Tensor): Tensor {
    const squeezed = this.activation.forward(this.fc1.forward(this.avgpool.forward(x)));
    return multiply(this.scaleActivation.forward(this.fc2.forward(squeezed)), x);
  }
}

/** The multiple of `divisor` that is nearest to a width, but never less than nine tenths of it. */
export function divisibleWidth(width: number, divisor = 8): number {
  const nearest = Math.max(divisor, Math.floor((width + divisor / 2) / divisor) * divisor);
  return nearest < 0.9 * width ? nearest + divisor : nearest;
}

/**
 * The first values of torchvision's models: convolutions normal by fan-out for ReLU (He et al., 2015), their biases
 * zero, and, if `linearStd` is given, linear layers normal with it. Batch normalisation starts as the identity anyway.
 */
export function initializeByFanOut(model: Module, linearStd?: number): void {
  for (const layer of model.modules()) {
    if (layer instanceof Conv2d) {
      kaimingNormal_(layer.weight, { mode: 'fanOut', nonlinearity: 'relu' });
      if (layer.bias) zeros_(layer.bias);
    } else if (layer instanceof Linear && linearStd !== undefined) {
      normal_(layer.weight, 0, linearStd);
      if (layer.bias) zeros_(layer.bias);
    }
  }
}
