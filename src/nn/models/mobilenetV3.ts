/** MobileNetV3-Large (Howard et al., 2019), as torchvision's `mobilenet_v3_large`. */
import { add } from '../../ops/elementwise/add.js';
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Hardswish, ReLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { Dropout } from '../layers/dropout.js';
import { Linear } from '../layers/linear.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { convNormActivation, divisibleWidth, initializeByFanOut, SqueezeExcitation } from './blocks.js';
import { type ClassifierOptions, type DropoutOption, readOptions } from './options.js';

export interface MobileNetV3Options extends ClassifierOptions, DropoutOption {}

interface BlockShape {
  readonly kernel: number;
  readonly expanded: number;
  readonly width: number;
  readonly squeezeExcite: boolean;
  readonly hardswish: boolean;
  readonly stride: number;
}

/** torchvision's, for both MobileNetV3. */
const NORM = { eps: 1e-3, momentum: 0.01 };

/** MobileNetV2's block with a squeeze-and-excite block after the depthwise convolution. */
class InvertedResidual extends Module {
  readonly block: Sequential;
  readonly #residual: boolean;

  constructor(inChannels: number, { kernel, expanded, width, squeezeExcite, hardswish, stride }: BlockShape) {
    super();
    const activation = (): Module => (hardswish ? new Hardswish() : new ReLU());
    const options = { activation, norm: NORM };
    this.block = new Sequential(
      ...(expanded === inChannels ? [] : [convNormActivation(inChannels, expanded, 1, options)]),
      convNormActivation(expanded, expanded, kernel, { stride, groups: expanded, ...options }),
      ...(squeezeExcite ? [new SqueezeExcitation(expanded, divisibleWidth(expanded / 4))] : []),
      convNormActivation(expanded, width, 1, { activation: null, norm: NORM }),
    );
    this.#residual = stride === 1 && inChannels === width;
  }

  override forward(x: Tensor): Tensor {
    const y = this.block.forward(x);
    return this.#residual ? add(y, x) : y;
  }
}

/** Kernel, expanded width, width, squeeze-excite, hardswish, stride. */
const LARGE: readonly (readonly [number, number, number, boolean, boolean, number])[] = [
  [3, 16, 16, false, false, 1],
  [3, 64, 24, false, false, 2],
  [3, 72, 24, false, false, 1],
  [5, 72, 40, true, false, 2],
  [5, 120, 40, true, false, 1],
  [5, 120, 40, true, false, 1],
  [3, 240, 80, false, true, 2],
  [3, 200, 80, false, true, 1],
  [3, 184, 80, false, true, 1],
  [3, 184, 80, false, true, 1],
  [3, 480, 112, true, true, 1],
  [3, 672, 112, true, true, 1],
  [5, 672, 160, true, true, 2],
  [5, 960, 160, true, true, 1],
  [5, 960, 160, true, true, 1],
];

/** Images [N, inChannels, H, W] to [N, numClasses]; height and width shrink 32-fold. Default of `dropout`: 0.2. */
export class MobileNetV3Large extends Module {
  readonly features: Sequential;
  readonly avgpool = new AdaptiveAvgPool2d(1);
  readonly classifier: Sequential;

  constructor(options?: MobileNetV3Options) {
    super();
    const defaults = { numClasses: 1000, inChannels: 3, dropout: 0.2 };
    const { numClasses, inChannels, dropout } = readOptions('mobilenetV3Large', { ...options }, defaults);
    const activation = (): Module => new Hardswish();
    let channels = 16;
    const blocks = LARGE.map(([kernel, expanded, width, squeezeExcite, hardswish, stride]) => {
      const block = new InvertedResidual(channels, { kernel, expanded, width, squeezeExcite, hardswish, stride });
      channels = width;
      return block;
    });
    const last = 6 * channels;
    this.features = new Sequential(
      convNormActivation(inChannels, 16, 3, { stride: 2, activation, norm: NORM }),
      ...blocks,
      convNormActivation(channels, last, 1, { activation, norm: NORM }),
    );
    this.classifier = new Sequential(
      new Linear(last, 1280),
      new Hardswish(),
      new Dropout(dropout),
      new Linear(1280, numClasses),
    );
    initializeByFanOut(this, 0.01);
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(this.avgpool.forward(this.features.forward(x)), 1));
  }
}

/** MobileNetV3-Large; 5,483,032 parameters by default. */
export const mobilenetV3Large = (options?: MobileNetV3Options): MobileNetV3Large => new MobileNetV3Large(options);
