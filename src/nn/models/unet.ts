/**
 * U-Net (Ronneberger et al., 2015) with padded convolutions and batch normalisation. The layers are called as in
 * the PyTorch Hub's brain segmentation model, whose weights fit.
 */
import { concat } from '../../ops/movement/concat.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ReLU } from '../layers/activations.js';
import { BatchNorm2d } from '../layers/batchNorm.js';
import { Conv2d } from '../layers/conv2d.js';
import { ConvTranspose2d } from '../layers/convTranspose2d.js';
import { MaxPool2d } from '../layers/maxPool2d.js';
import { Module } from '../module.js';
import { readOptions } from './options.js';

export interface UNetOptions {
  /** Channels of the images. Default: 3. */
  inChannels?: number;
  /** Number of classes, the channels of the result. Default: 1. */
  numClasses?: number;
  /** Channels of the first level; each of the four below has twice as many. Default: 32. */
  initFeatures?: number;
}

/** Two 3x3 convolutions, each with batch normalisation and ReLU, called after the level they are in. */
class DoubleConv extends Module {
  readonly #layers: readonly (readonly [string, Conv2d | BatchNorm2d | ReLU])[];

  constructor(level: string, inChannels: number, outChannels: number) {
    super();
    this.#layers = [inChannels, outChannels].flatMap((channels, index) => [
      [`${level}conv${index + 1}`, new Conv2d(channels, outChannels, 3, { padding: 1, bias: false })] as const,
      [`${level}norm${index + 1}`, new BatchNorm2d(outChannels)] as const,
      [`${level}relu${index + 1}`, new ReLU()] as const,
    ]);
  }

  override forward(x: Tensor): Tensor {
    return this.#layers.reduce((value, [, layer]) => layer.forward(value), x);
  }

  override *namedChildren(): Generator<[string, Module]> {
    for (const [name, layer] of this.#layers) yield [name, layer];
  }
}

/** Images [N, inChannels, H, W], sizes divisible by 16, to logits [N, numClasses, H, W]. */
export class UNet extends Module {
  readonly encoder1: DoubleConv;
  readonly pool1 = new MaxPool2d(2);
  readonly encoder2: DoubleConv;
  readonly pool2 = new MaxPool2d(2);
  readonly encoder3: DoubleConv;
  readonly pool3 = new MaxPool2d(2);
  readonly encoder4: DoubleConv;
  readonly pool4 = new MaxPool2d(2);
  readonly bottleneck: DoubleConv;
  readonly upconv4: ConvTranspose2d;
  readonly decoder4: DoubleConv;
  readonly upconv3: ConvTranspose2d;
  readonly decoder3: DoubleConv;
  readonly upconv2: ConvTranspose2d;
  readonly decoder2: DoubleConv;
  readonly upconv1: ConvTranspose2d;
  readonly decoder1: DoubleConv;
  readonly conv: Conv2d;

  constructor(options?: UNetOptions) {
    super();
    const defaults = { inChannels: 3, numClasses: 1, initFeatures: 32 };
    const { inChannels, numClasses, initFeatures: width } = readOptions('unet', { ...options }, defaults);
    const up = (channels: number): ConvTranspose2d => new ConvTranspose2d(2 * channels, channels, 2, { stride: 2 });
    this.encoder1 = new DoubleConv('enc1', inChannels, width);
    this.encoder2 = new DoubleConv('enc2', width, 2 * width);
    this.encoder3 = new DoubleConv('enc3', 2 * width, 4 * width);
    this.encoder4 = new DoubleConv('enc4', 4 * width, 8 * width);
    this.bottleneck = new DoubleConv('bottleneck', 8 * width, 16 * width);
    this.upconv4 = up(8 * width);
    this.decoder4 = new DoubleConv('dec4', 16 * width, 8 * width);
    this.upconv3 = up(4 * width);
    this.decoder3 = new DoubleConv('dec3', 8 * width, 4 * width);
    this.upconv2 = up(2 * width);
    this.decoder2 = new DoubleConv('dec2', 4 * width, 2 * width);
    this.upconv1 = up(width);
    this.decoder1 = new DoubleConv('dec1', 2 * width, width);
    this.conv = new Conv2d(width, numClasses, 1);
  }

  override forward(x: Tensor): Tensor {
    const level1 = this.encoder1.forward(x);
    const level2 = this.encoder2.forward(this.pool1.forward(level1));
    const level3 = this.encoder3.forward(this.pool2.forward(level2));
    const level4 = this.encoder4.forward(this.pool3.forward(level3));
    const deepest = this.bottleneck.forward(this.pool4.forward(level4));
    const up4 = this.decoder4.forward(concat([this.upconv4.forward(deepest), level4], 1));
    const up3 = this.decoder3.forward(concat([this.upconv3.forward(up4), level3], 1));
    const up2 = this.decoder2.forward(concat([this.upconv2.forward(up3), level2], 1));
    const up1 = this.decoder1.forward(concat([this.upconv1.forward(up2), level1], 1));
    return this.conv.forward(up1);
  }
}

/** U-Net of five levels; 7,763,041 parameters by default. The result has no sigmoid: train with `bceWithLogits`. */
export const unet = (options?: UNetOptions): UNet => new UNet(options);
