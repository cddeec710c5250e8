/**
 * Residual networks (He et al., 2015), as torchvision's `resnet18`, `resnet34` and `resnet50`, and the narrow
 * one for 32-pixel images of the same paper.
 */
import { add } from '../../ops/elementwise/add.js';
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ReLU } from '../layers/activations.js';
import { AdaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.js';
import { BatchNorm2d } from '../layers/batchNorm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { MaxPool2d } from '../layers/maxPool2d.js';
import { Module } from '../module.js';
import { Sequential } from '../sequential.js';
import { initializeByFanOut } from './blocks.js';
import { type ClassifierOptions, chooseFrom, readOptions } from './options.js';

/** `imagenet`: a 7x7 convolution of stride 2 and a 3x3 max pool of stride 2. `small`: one 3x3 convolution. */
export type ResNetStem = 'imagenet' | 'small';

export interface ResNetOptions extends ClassifierOptions {
  /** How the network begins. Default: `imagenet`; take `small` for images of about 32 pixels. */
  stem?: ResNetStem;
}

const conv = (inChannels: number, outChannels: number, kernel: number, stride = 1): Conv2d =>
  new Conv2d(inChannels, outChannels, kernel, { stride, padding: (kernel - 1) / 2, bias: false });

/** What brings the block's input to the shape of its result, where they differ. */
const shortcut = (inChannels: number, outChannels: number, stride: number): Sequential | null =>
  stride === 1 && inChannels === outChannels
    ? null
    : new Sequential(conv(inChannels, outChannels, 1, stride), new BatchNorm2d(outChannels));

/** Two 3x3 convolutions beside a shortcut. */
export class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly relu = new ReLU();
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, width: number, stride: number) {
    super();
    this.conv1 = conv(inChannels, width, 3, stride);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv(width, width, 3);
    this.bn2 = new BatchNorm2d(width);
    this.downsample = shortcut(inChannels, width, stride);
  }

  override forward(x: Tensor): Tensor {
    const y = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    const residual = this.bn2.forward(this.conv2.forward(y));
    return this.relu.forward(add(residual, this.downsample ? this.downsample.forward(x) : x));
  }
}

/** A 1x1, a 3x3 (which has the stride, as in torchvision) and a widening 1x1 convolution beside a shortcut. */
export class Bottleneck extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly relu = new ReLU();
  readonly downsample: Sequential | null;

  constructor(inChannels: number, width: number, stride: number) {
    super();
    this.conv1 = conv(inChannels, width, 1);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv(width, width, 3, stride);
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = conv(width, 4 * width, 1);
    this.bn3 = new BatchNorm2d(4 * width);
    this.downsample = shortcut(inChannels, 4 * width, stride);
  }

  override forward(x: Tensor): Tensor {
    const narrow = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    const inner = this.relu.forward(this.bn2.forward(this.conv2.forward(narrow)));
    const residual = this.bn3.forward(this.conv3.forward(inner));
    return this.relu.forward(add(residual, this.downsample ? this.downsample.forward(x) : x));
  }
}

/** A residual network's stages. */
export interface ResNetShape {
  readonly block: 'basic' | 'bottleneck';
  /** Width of the convolutions of each of three or four stages; each after the first halves height and width. */
  readonly widths: readonly number[];
  /** Number of blocks of each stage. */
  readonly depths: readonly number[];
}

/** Blocks, and how many times wider than its convolutions each block's result is. */
const BLOCKS = { basic: { kind: BasicBlock, expansion: 1 }, bottleneck: { kind: Bottleneck, expansion: 4 } };

/** The convolutional part of a residual network: the stem and three or four stages of blocks. */
export abstract class ResNetTrunk extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly relu = new ReLU();
  readonly maxpool: MaxPool2d | null;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential | null;

  constructor({ block, widths, depths }: ResNetShape, inChannels: number, stem: ResNetStem) {
    super();
    const small = stem === 'small';
    let channels = widths[0];
    const stages = widths.map((width, stage) => {
      const blocks = Array.from({ length: depths[stage] }, (_, position) => {
        const made = new BLOCKS[block].kind(channels, width, position === 0 && stage > 0 ? 2 : 1);
        channels = width * BLOCKS[block].expansion;
        return made;
      });
      return new Sequential(...blocks);
    });
    this.conv1 = small ? conv(inChannels, widths[0], 3) : conv(inChannels, widths[0], 7, 2);
    this.bn1 = new BatchNorm2d(widths[0]);
    this.maxpool = small ? null : new MaxPool2d(3, { stride: 2, padding: 1 });
    [this.layer1, this.layer2, this.layer3] = stages;
    this.layer4 = stages[3] ?? null;
  }

  /** What each stage gives for images [N, inChannels, H, W]. */
  stages(x: Tensor): Tensor[] {
    let value = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    if (this.maxpool) value = this.maxpool.forward(value);
    return [this.layer1, this.layer2, this.layer3, this.layer4].flatMap((stage) => {
      if (!stage) return [];
      value = stage.forward(value);
      return [value];
    });
  }
}

/** A residual network that classifies: images [N, inChannels, H, W] to [N, numClasses]. */
export class ResNet extends ResNetTrunk {
  readonly avgpool = new AdaptiveAvgPool2d(1);
  readonly fc: Linear;

  constructor(where: string, shape: ResNetShape, options?: ResNetOptions) {
    const defaults = { numClasses: 1000, inChannels: 3, stem: 'imagenet' as ResNetStem };
    const { numClasses, inChannels, stem } = readOptions(where, { ...options }, defaults);
    super(shape, inChannels, chooseFrom(where, 'stem', stem, ['imagenet', 'small']));
    this.fc = new Linear(shape.widths[shape.widths.length - 1] * BLOCKS[shape.block].expansion, numClasses);
    initializeByFanOut(this);
  }

  override forward(x: Tensor): Tensor {
    const features = this.stages(x);
    return this.fc.forward(flatten(this.avgpool.forward(features[features.length - 1]), 1));
  }
}

const WIDTHS = [64, 128, 256, 512];

/** ResNet-18; 11,689,512 parameters by default. */
export const resnet18 = (options?: ResNetOptions): ResNet =>
  new ResNet('resnet18', { block: 'basic', widths: WIDTHS, depths: [2, 2, 2, 2] }, options);

/** ResNet-34; 21,797,672 parameters by default. */
export const resnet34 = (options?: ResNetOptions): ResNet =>
  new ResNet('resnet34', { block: 'basic', widths: WIDTHS, depths: [3, 4, 6, 3] }, options);

/** ResNet-50; 25,557,032 parameters by default. */
export const resnet50 = (options?: ResNetOptions): ResNet =>
  new ResNet('resnet50', { block: 'bottleneck', widths: WIDTHS, depths: [3, 4, 6, 3] }, options);

/**
 * ResNet-20 for 32-pixel images, with 1x1 convolutions in the shortcuts: by default `numClasses: 10`,
 * `stem: 'small'` and 272,474 parameters.
 */
export const resnet20 = (options?: ResNetOptions): ResNet =>
  new ResNet(
    'resnet20',
    { block: 'basic', widths: [16, 32, 64], depths: [3, 3, 3] },
    { numClasses: 10, stem: 'small', ...options },
  );
