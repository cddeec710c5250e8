/** MobileNetV2 (Sandler et al., 2018), as torchvision's `mobilenet_v2`. */
import { add } from '../../ops/elementwise/add.js';
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ReLU6 } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { BatchNorm2d } from '../layers/batchNorm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Dropout } from '../layers/dropout.js';
import { Linear } from '../layers/linear.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { convNormActivation, initializeByFanOut } from './blocks.js';
import { type ClassifierOptions, type DropoutOption, readOptions } from './options.js';

export interface MobileNetV2Options extends ClassifierOptions, DropoutOption {}

const activation = (): ReLU6 => new ReLU6();

/** A widening 1x1, a depthwise 3x3 and a narrowing 1x1 convolution, beside the input where shapes agree. */
class InvertedResidual extends Module {
  readonly conv: Sequential;
  readonly #residual: boolean;

  constructor(inChannels: number, outChannels: number, stride: number, expandRatio: number) {
    super();
    const hidden = inChannels * expandRatio;
    this.conv = new Sequential(
      ...(expandRatio === 1 ? [] : [convNormActivation(inChannels, hidden, 1, { activation })]),
      convNormActivation(hidden, hidden, 3, { stride, groups: hidden, activation }),
      new Conv2d(hidden, outChannels, 1, { bias: false }),
      new BatchNorm2d(outChannels),
    );
    this.#residual = stride === 1 && inChannels === outChannels;
  }

  override forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    return this.#residual ? add(x, y) : y;
  }
}

/** Expansion, width, number of blocks, and stride of each stage. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** Images [N, inChannels, H, W] to [N, numClasses]; height and width shrink 32-fold. Default of `dropout`: 0.2. */
export class MobileNetV2 extends Module {
  readonly features: Sequential;
  readonly avgpool = new AdaptiveAvgPool2d(1);
  readonly classifier: Sequential;

  constructor(options?: MobileNetV2Options) {
    super();
    const defaults = { numClasses: 1000, inChannels: 3, dropout: 0.2 };
    const { numClasses, inChannels, dropout } = readOptions('mobilenetV2', { ...options }, defaults);
    let channels = 32;
    const blocks = STAGES.flatMap(([expandRatio, width, depth, stride]) =>
      Array.from({ length: depth }, (_, position) => {
        const block = new InvertedResidual(channels, width, position === 0 ? stride : 1, expandRatio);
        channels = width;
        return block;
      }),
    );
    this.features = new Sequential(
      convNormActivation(inChannels, 32, 3, { stride: 2, activation }),
      ...blocks,
      convNormActivation(channels, 1280, 1, { activation }),
    );
    this.classifier = new Sequential(new Dropout(dropout), new Linear(1280, numClasses));
    initializeByFanOut(this, 0.01);
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(this.avgpool.forward(this.features.forward(x)), 1));
  }
}

/** MobileNetV2; 3,504,872 parameters by default. */
export const mobilenetV2 = (options?: MobileNetV2Options): MobileNetV2 => new MobileNetV2(options);
