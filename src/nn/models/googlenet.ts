/**
 * GoogLeNet, the first Inception network (Szegedy et al., 2014), as torchvision's `googlenet`: with batch
 * normalisation, without the two auxiliary classifiers. To load weights that have those, pass `{ strict: false }`.
 */
import { concat } from '../../ops/movement/concat.js';
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { truncNormal_ } from '../init.js';
import { ReLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { BatchNorm2d } from '../layers/batchNorm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Dropout } from '../layers/dropout.js';
import { Linear } from '../layers/linear.js';
import { MaxPool2d } from '../layers/maxPool2d.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { type ClassifierOptions, type DropoutOption, readOptions } from './options.js';

export interface GoogLeNetOptions extends ClassifierOptions, DropoutOption {}

/** Convolution, batch normalisation and ReLU under the names that torchvision gives them. */
class BasicConv2d extends Module {
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;
  readonly relu = new ReLU();

  constructor(inChannels: number, outChannels: number, kernel: number, stride = 1) {
    super();
    this.conv = new Conv2d(inChannels, outChannels, kernel, { stride, padding: (kernel - 1) / 2, bias: false });
    this.bn = new BatchNorm2d(outChannels, { eps: 1e-3 });
  }

  override forward(x: Tensor): Tensor {
    return this.relu.forward(this.bn.forward(this.conv.forward(x)));
  }
}

/** Widths of a block: the 1x1 branch, the two of each 3x3 branch, and the one behind the pool. */
type InceptionShape = readonly [number, number, number, number, number, number];

/**
 * Four branches side by side. The third is a 3x3 convolution where the paper has 5x5, as in the weights that
 * everybody uses.
 */
class Inception extends Module {
  readonly branch1: BasicConv2d;
  readonly branch2: Sequential;
  readonly branch3: Sequential;
  readonly branch4: Sequential;

  constructor(inChannels: number, [direct, reduce2, width2, reduce3, width3, pooled]: InceptionShape) {
    super();
    this.branch1 = new BasicConv2d(inChannels, direct, 1);
    this.branch2 = new Sequential(new BasicConv2d(inChannels, reduce2, 1), new BasicConv2d(reduce2, width2, 3));
    this.branch3 = new Sequential(new BasicConv2d(inChannels, reduce3, 1), new BasicConv2d(reduce3, width3, 3));
    this.branch4 = new Sequential(
      new MaxPool2d(3, { stride: 1, padding: 1, ceilMode: true }),
      new BasicConv2d(inChannels, pooled, 1),
    );
  }

  override forward(x: Tensor): Tensor {
    return concat(
      [this.branch1, this.branch2, this.branch3, this.branch4].map((branch) => branch.forward(x)),
      1,
    );
  }
}

const pool = (kernel: number): MaxPool2d => new MaxPool2d(kernel, { stride: 2, ceilMode: true });

/** Images [N, inChannels, H, W] to [N, numClasses]; height and width shrink 32-fold. Default of `dropout`: 0.2. */
export class GoogLeNet extends Module {
  readonly conv1: BasicConv2d;
  readonly maxpool1 = pool(3);
  readonly conv2 = new BasicConv2d(64, 64, 1);
  readonly conv3 = new BasicConv2d(64, 192, 3);
  readonly maxpool2 = pool(3);
  readonly inception3a = new Inception(192, [64, 96, 128, 16, 32, 32]);
  readonly inception3b = new Inception(256, [128, 128, 192, 32, 96, 64]);
  readonly maxpool3 = pool(3);
  readonly inception4a = new Inception(480, [192, 96, 208, 16, 48, 64]);
  readonly inception4b = new Inception(512, [160, 112, 224, 24, 64, 64]);
  readonly inception4c = new Inception(512, [128, 128, 256, 24, 64, 64]);
  readonly inception4d = new Inception(512, [112, 144, 288, 32, 64, 64]);
  readonly inception4e = new Inception(528, [256, 160, 320, 32, 128, 128]);
  readonly maxpool4 = pool(2);
  readonly inception5a = new Inception(832, [256, 160, 320, 32, 128, 128]);
  readonly inception5b = new Inception(832, [384, 192, 384, 48, 128, 128]);
  readonly avgpool = new AdaptiveAvgPool2d(1);
  readonly dropout: Dropout;
  readonly fc: Linear;

  constructor(options?: GoogLeNetOptions) {
    super();
    const defaults = { numClasses: 1000, inChannels: 3, dropout: 0.2 };
    const { numClasses, inChannels, dropout } = readOptions('googlenet', { ...options }, defaults);
    this.conv1 = new BasicConv2d(inChannels, 64, 7, 2);
    this.dropout = new Dropout(dropout);
    this.fc = new Linear(1024, numClasses);
    for (const layer of this.modules()) {
      if (layer instanceof Conv2d || layer instanceof Linear) truncNormal_(layer.weight, { std: 0.01 });
    }
  }

  override forward(x: Tensor): Tensor {
    const stem = this.conv3.forward(this.conv2.forward(this.maxpool1.forward(this.conv1.forward(x))));
    const features = [
      this.maxpool2,
      this.inception3a,
      this.inception3b,
      this.maxpool3,
      this.inception4a,
      this.inception4b,
      this.inception4c,
      this.inception4d,
      this.inception4e,
      this.maxpool4,
      this.inception5a,
      this.inception5b,
      this.avgpool,
    ].reduce((value, layer) => layer.forward(value), stem);
    return this.fc.forward(this.dropout.forward(flatten(features, 1)));
  }
}

/** GoogLeNet; 6,624,904 parameters by default. */
export const googlenet = (options?: GoogLeNetOptions): GoogLeNet => new GoogLeNet(options);
