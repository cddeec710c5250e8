/** MobileNet (Howard et al., 2017). Names as of the usual PyTorch port, whose layers are all in `model`. */
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ReLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { BatchNorm2d } from '../layers/batchNorm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { convNormActivation, initializeByFanOut } from './blocks.js';
import { type ClassifierOptions, readOptions } from './options.js';

/** Width and stride of each pair of a depthwise and a 1x1 convolution. */
const PAIRS = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  ...Array.from({ length: 5 }, () => [512, 1]),
  [1024, 2],
  [1024, 1],
];

/** A depthwise 3x3 and a 1x1 convolution, each with batch normalisation and ReLU: children 0 to 5. */
const separable = (inChannels: number, outChannels: number, stride: number): Sequential =>
  new Sequential(
    new Conv2d(inChannels, inChannels, 3, { stride, padding: 1, groups: inChannels, bias: false }),
    new BatchNorm2d(inChannels),
    new ReLU(),
    new Conv2d(inChannels, outChannels, 1, { bias: false }),
    new BatchNorm2d(outChannels),
    new ReLU(),
  );

/** Images [N, inChannels, H, W] to [N, numClasses]; height and width shrink 32-fold. */
export class MobileNetV1 extends Module {
  readonly model: Sequential;
  readonly fc: Linear;

  constructor(options?: ClassifierOptions) {
    super();
    const defaults = { numClasses: 1000, inChannels: 3 };
    const { numClasses, inChannels } = readOptions('mobilenetV1', { ...options }, defaults);
    let channels = 32;
    const pairs = PAIRS.map(([width, stride]) => {
      const pair = separable(channels, width, stride);
      channels = width;
      return pair;
    });
    this.model = new Sequential(
      convNormActivation(inChannels, 32, 3, { stride: 2 }),
      ...pairs,
      new AdaptiveAvgPool2d(1),
    );
    this.fc = new Linear(channels, numClasses);
    initializeByFanOut(this);
  }

  override forward(x: Tensor): Tensor {
    return this.fc.forward(flatten(this.model.forward(x), 1));
  }
}

/** MobileNet (V1); 4,231,976 parameters by default. */
export const mobilenetV1 = (options?: ClassifierOptions): MobileNetV1 => new MobileNetV1(options);
