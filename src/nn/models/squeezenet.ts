/** SqueezeNet 1.0 (Iandola et al., 2016), as torchvision's `squeezenet1_0`. */
import { concat } from '../../ops/movement/concat.js';
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { kaimingUniform_, normal_, zeros_ } from '../init.js';
import { ReLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { Conv2d } from '../layers/conv2d.js';
import { Dropout } from '../layers/dropout.js';
import { MaxPool2d } from '../layers/maxPool2d.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { type ClassifierOptions, type DropoutOption, readOptions } from './options.js';

export interface SqueezeNetOptions extends ClassifierOptions, DropoutOption {}

/** A narrowing 1x1 convolution, and a 1x1 and a 3x3 one of the same width side by side. */
class Fire extends Module {
  readonly squeeze: Conv2d;
  readonly squeezeActivation = new ReLU();
  readonly expand1x1: Conv2d;
  readonly expand1x1Activation = new ReLU();
  readonly expand3x3: Conv2d;
  readonly expand3x3Activation = new ReLU();

  constructor(inChannels: number, squeezed: number, expanded: number) {
    super();
    this.squeeze = new Conv2d(inChannels, squeezed, 1);
    this.expand1x1 = new Conv2d(squeezed, expanded, 1);
    this.expand3x3 = new Conv2d(squeezed, expanded, 3, { padding: 1 });
  }

  override forward(x: Tensor): Tensor {
    const squeezed = this.squeezeActivation.forward(this.squeeze.forward(x));
    return concat(
      [
        this.expand1x1Activation.forward(this.expand1x1.forward(squeezed)),
        this.expand3x3Activation.forward(this.expand3x3.forward(squeezed)),
      ],
      1,
    );
  }
}

const pool = (): MaxPool2d => new MaxPool2d(3, { stride: 2, ceilMode: true });

/** Images [N, inChannels, H, W] of at least 21 pixels to [N, numClasses]. Default of `dropout`: 0.5. */
export class SqueezeNet extends Module {
  readonly features: Sequential;
  readonly classifier: Sequential;

  constructor(options?: SqueezeNetOptions) {
    super();
    const defaults = { numClasses: 1000, inChannels: 3, dropout: 0.5 };
    const { numClasses, inChannels, dropout } = readOptions('squeezenet1_0', { ...options }, defaults);
    this.features = new Sequential(
      new Conv2d(inChannels, 96, 7, { stride: 2 }),
      new ReLU(),
      pool(),
      new Fire(96, 16, 64),
      new Fire(128, 16, 64),
      new Fire(128, 32, 128),
      pool(),
      new Fire(256, 32, 128),
      new Fire(256, 48, 192),
      new Fire(384, 48, 192),
      new Fire(384, 64, 256),
      pool(),
      new Fire(512, 64, 256),
    );
    const head = new Conv2d(512, numClasses, 1);
    this.classifier = new Sequential(new Dropout(dropout), head, new ReLU(), new AdaptiveAvgPool2d(1));
    for (const layer of this.modules()) {
      if (!(layer instanceof Conv2d)) continue;
      if (layer === head) normal_(layer.weight, 0, 0.01);
      else kaimingUniform_(layer.weight);
      if (layer.bias) zeros_(layer.bias);
    }
  }

  override forward(x: Tensor): Tensor {
    return flatten(this.classifier.forward(this.features.forward(x)), 1);
  }
}

/** SqueezeNet 1.0; 1,248,424 parameters by default. */
export const squeezenet1_0 = (options?: SqueezeNetOptions): SqueezeNet => new SqueezeNet(options);
