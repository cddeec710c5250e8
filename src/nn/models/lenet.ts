/** LeNet-5 (LeCun et al., 1998, "Gradient-based learning applied to document recognition"). */
import { flatten } from '../../ops/movement/reshape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ReLU } from '../layers/activations.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { MaxPool2d } from '../layers/maxPool2d.js';
import { Module } from '../module.js';
import { readOptions } from './options.js';

export interface LeNet5Options {
  /** Number of classes. Default: 10. */
  numClasses?: number;
  /** Channels of the images. Default: 1. */
  inChannels?: number;
  /** Height and width of the images: a multiple of 4, at least 16. Default: 32, for 28-pixel digits padded by 2. */
  imageSize?: number;
}

/** Two convolutions with max pools and three linear layers, with ReLU: images [N, inChannels, S, S] to [N, numClasses]. */
export class LeNet5 extends Module {
  readonly conv1: Conv2d;
  readonly conv2 = new Conv2d(6, 16, 5);
  readonly fc1: Linear;
  readonly fc2 = new Linear(120, 84);
  readonly fc3: Linear;
  readonly pool = new MaxPool2d(2);
  readonly relu = new ReLU();

  constructor(options?: LeNet5Options) {
    super();
    const defaults = { numClasses: 10, inChannels: 1, imageSize: 32 };
    const { numClasses, inChannels, imageSize } = readOptions('lenet5', { ...options }, defaults);
    const size = Math.floor((Math.floor((imageSize - 4) / 2) - 4) / 2);
    this.conv1 = new Conv2d(inChannels, 6, 5);
    this.fc1 = new Linear(16 * size * size, 120);
    this.fc3 = new Linear(84, numClasses);
  }

  override forward(x: Tensor): Tensor {
    const first = this.pool.forward(this.relu.forward(this.conv1.forward(x)));
    const second = this.pool.forward(this.relu.forward(this.conv2.forward(first)));
    const hidden = this.relu.forward(this.fc1.forward(flatten(second, 1)));
    return this.fc3.forward(this.relu.forward(this.fc2.forward(hidden)));
  }
}

/** LeNet-5 with 61,706 parameters by default. */
export const lenet5 = (options?: LeNet5Options): LeNet5 => new LeNet5(options);
