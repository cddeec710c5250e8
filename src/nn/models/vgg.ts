/** VGG with batch normalisation (Simonyan and Zisserman, 2014), as torchvision's `vgg11_bn`. */
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ReLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { BatchNorm2d } from '../layers/batchNorm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Dropout } from '../layers/dropout.js';
import { Linear } from '../layers/linear.js';
import { MaxPool2d } from '../layers/maxPool2d.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { initializeByFanOut } from './blocks.js';
import { type ClassifierOptions, type DropoutOption, readOptions } from './options.js';

export interface VggOptions extends ClassifierOptions, DropoutOption {
  /** Width of the two hidden linear layers, which hold most of the parameters. Default: 4096. */
  hiddenFeatures?: number;
}

/** Widths of the convolutions between max pools. */
const VGG11 = [[64], [128], [256, 256], [512, 512], [512, 512]];
/** Height and width of what the classifier sees. */
const POOLED = 7;

/** Images [N, inChannels, H, W] of at least 32 pixels to [N, numClasses]. Default of `dropout`: 0.5. */
export class Vgg extends Module {
  readonly features: Sequential;
  readonly avgpool = new AdaptiveAvgPool2d(POOLED);
  readonly classifier: Sequential;

  constructor(where: string, stages: readonly (readonly number[])[], options?: VggOptions) {
    super();
    const defaults = { numClasses: 1000, inChannels: 3, dropout: 0.5, hiddenFeatures: 4096 };
    const { numClasses, inChannels, dropout, hiddenFeatures } = readOptions(where, { ...options }, defaults);
    let channels = inChannels;
    const layers = stages.flatMap((widths) => [
      ...widths.flatMap((width) => {
        const conv = new Conv2d(channels, width, 3, { padding: 1 });
        channels = width;
        return [conv, new BatchNorm2d(width), new ReLU()];
      }),
      new MaxPool2d(2),
    ]);
    this.features = new Sequential(...layers);
    this.classifier = new Sequential(
      new Linear(channels * POOLED ** 2, hiddenFeatures),
      new ReLU(),
      new Dropout(dropout),
      new Linear(hiddenFeatures, hiddenFeatures),
      new ReLU(),
      new Dropout(dropout),
      new Linear(hiddenFeatures, numClasses),
    );
    initializeByFanOut(this, 0.01);
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(this.avgpool.forward(this.features.forward(x)), 1));
  }
}

/** VGG-11 with batch normalisation; 132,868,840 parameters by default. */
export const vgg11Bn = (options?: VggOptions): Vgg => new Vgg('vgg11Bn', VGG11, options);
